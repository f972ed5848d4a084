// SPDX-License-Identifier: Apache-2.0
// The person index: the desk with its queue, its figures, and one person with all records.
import type { RouteRecordRaw } from 'vue-router'
import type { Role } from '../client/types'

const roles: Role[] = ['administrator', 'clinician', 'epidemiologist']
const needs = '/api/v1/persons/queue'
const rail = { icon: 'people', label: 'shell.rail.people', order: 25 } as const

export const routes: RouteRecordRaw[] = [
  { path: '/persons', name: 'persons', component: () => import('./desk.vue'), meta: { title: 'persons.title', rail, section: { name: 'people', tab: { label: 'shell.rail.persons', order: 20 } }, roles, needs } },
  { path: '/persons/statistics', name: 'persons-statistics', component: () => import('./statistics.vue'), meta: { title: 'persons.statistics', rail: { icon: 'people', label: 'shell.rail.persons', order: 26 }, section: { name: 'people', tab: { label: 'persons.statistics', order: 30 } }, roles: [...roles, 'planner', 'operator'], needs: '/api/v1/persons/statistics' } },
  { path: '/persons/:id', name: 'person-union', component: () => import('./union.vue'), meta: { title: 'persons.one', crumbs: ['persons.title'], section: { name: 'people', of: 'persons' }, roles, needs } },
]
