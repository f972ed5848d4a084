// SPDX-License-Identifier: Apache-2.0
// Bringing files in.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/imports', name: 'imports', component: () => import('./imports.vue'), meta: { title: 'imports.title', rail: { icon: 'upload', label: 'shell.rail.imports', order: 70 }, roles: ['administrator', 'clinician'] } },
]
