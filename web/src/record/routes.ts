// SPDX-License-Identifier: Apache-2.0
// The lifelong record of one person, a tab an address, and its print.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/people/:id/print', name: 'person-print', component: () => import('./print.vue'), meta: { title: 'record.title', bare: true, roles: ['administrator', 'clinician', 'epidemiologist', 'resident'] } },
  { path: '/people/:id/:tab(encounters|results|medication|immunization|documents)?', name: 'person', component: () => import('./record.vue'), meta: { title: 'record.title', crumbs: ['people.title'], under: 'people', roles: ['administrator', 'clinician', 'epidemiologist', 'resident'] } },
]
