// SPDX-License-Identifier: Apache-2.0
// The wall.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [{ path: '/screen', name: 'screen', component: () => import('./screen.vue'), meta: { title: 'screen.title', bare: true, needs: '/api/v1/screen' } }]
