// SPDX-License-Identifier: Apache-2.0
// Terminology: systems with their concepts, value sets, translation. What is chosen stands in the address.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/terminology/:tab(value-sets|translate)?', name: 'terminology', component: () => import('./terminology.vue'), meta: { title: 'terminology.title', rail: { icon: 'book', label: 'shell.rail.terminology', order: 66 }, roles: ['administrator', 'clinician', 'epidemiologist'] } },
]
