// SPDX-License-Identifier: Apache-2.0
// Bringing files in.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/imports', name: 'imports', component: () => import('./imports.vue'), meta: { title: 'imports.title', rail: { icon: 'plug', label: 'shell.rail.data', order: 68 }, section: { name: 'data', tab: { label: 'shell.tab.imports', order: 80 } }, roles: ['administrator', 'clinician'] } },
]
