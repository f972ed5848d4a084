// SPDX-License-Identifier: Apache-2.0
// The person index: the desk with its queue, and one person with all records.
import type { RouteRecordRaw } from 'vue-router'
import type { Role } from '../client/types'

const roles: Role[] = ['administrator', 'clinician', 'epidemiologist']
const needs = '/api/v1/persons/queue'

export const routes: RouteRecordRaw[] = [
  { path: '/persons', name: 'persons', component: () => import('./desk.vue'), meta: { title: 'persons.title', rail: { icon: 'people', label: 'shell.rail.people', order: 25 }, section: { name: 'people', tab: { label: 'shell.rail.persons', order: 20 } }, roles, needs } },
  { path: '/persons/:id', name: 'person-union', component: () => import('./union.vue'), meta: { title: 'persons.one', crumbs: ['persons.title'], section: { name: 'people', of: 'persons' }, roles, needs } },
]
