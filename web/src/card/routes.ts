// SPDX-License-Identifier: Apache-2.0
// The e-health card: a resident's own, the counter that scans, and the cards of one person.
import type { RouteRecordRaw } from 'vue-router'
import type { Role } from '../client/types'

const roles: Role[] = ['administrator', 'clinician', 'epidemiologist']
const needs = '/api/v1/card/scan'

export const routes: RouteRecordRaw[] = [
  { path: '/card', name: 'my-card', component: () => import('./mine.vue'), meta: { title: 'card.mine', roles: ['resident'], needs } },
  { path: '/card/scan', name: 'card-scan', component: () => import('./scan.vue'), meta: { title: 'card.scan', crumbs: ['card.title'], under: 'people', roles, needs } },
  { path: '/card/person/:id', name: 'person-card', component: () => import('./person.vue'), meta: { title: 'card.of_person', crumbs: ['people.title'], under: 'people', roles, needs } },
]
