// SPDX-License-Identifier: Apache-2.0
// How the house is doing.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/system', name: 'system', component: () => import('./system.vue'), meta: { title: 'system.title', rail: { icon: 'pulse', label: 'shell.rail.system', order: 80 }, section: { name: 'system', tab: { label: 'system.title', order: 90 } }, roles: ['administrator', 'clinician', 'epidemiologist', 'planner', 'operator', 'auditor'] } },
]
