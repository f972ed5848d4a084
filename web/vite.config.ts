// SPDX-License-Identifier: Apache-2.0
// How the pages are built: hashed files without a CDN, small enough to be embedded in the server.
import { defineConfig } from 'vitest/config'
import vue from '@vitejs/plugin-vue'

export default defineConfig({
  plugins: [vue()],
  define: { __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false', __INTLIFY_PROD_DEVTOOLS__: 'false', __VUE_I18N_LEGACY_API__: 'false' },
  build: {
    target: 'chrome109', // the last Chromium for Windows 7, still found in clinics
    outDir: 'dist',
    assetsDir: 'assets',
    assetsInlineLimit: 2048,
    chunkSizeWarningLimit: 700,
    sourcemap: false,
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'], restoreMocks: true },
})
