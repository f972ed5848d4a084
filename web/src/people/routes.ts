// SPDX-License-Identifier: Apache-2.0
// The list of people.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/people', name: 'people', component: () => import('./list.vue'), meta: { title: 'people.title', rail: { icon: 'people', label: 'shell.rail.people', order: 20 }, section: { name: 'people', tab: { label: 'shell.rail.people', order: 10 } }, roles: ['administrator', 'clinician', 'epidemiologist'] } },
]
