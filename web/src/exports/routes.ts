// SPDX-License-Identifier: Apache-2.0
// Taking records out in bulk.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/exports', name: 'exports', component: () => import('./exports.vue'), meta: { title: 'exports.title', rail: { icon: 'plug', label: 'shell.rail.data', order: 69 }, section: { name: 'data', tab: { label: 'shell.tab.exports', order: 90 } }, roles: ['administrator', 'planner', 'epidemiologist', 'auditor'] } },
]
