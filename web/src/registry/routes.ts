// SPDX-License-Identifier: Apache-2.0
// The registries: institutions, places, staff, things; their tables.
import type { RouteRecordRaw } from 'vue-router'
import type { Role } from '../client/types'

const roles: Role[] = ['administrator', 'operator', 'planner', 'clinician', 'epidemiologist', 'auditor']
const needs = '/api/v1/registry'
const section = 'registry'

export const routes: RouteRecordRaw[] = [
  { path: '/registry', name: 'registry', component: () => import('./registry.vue'), meta: { title: 'registry.title', rail: { icon: 'building', label: 'registry.rail', order: 64 }, section: { name: section, tab: { label: 'registry.tab.entries', order: 10 } }, roles, needs } },
  { path: '/registry/tables', name: 'registry-tables', component: () => import('./tables.vue'), meta: { title: 'registry.tables.title', crumbs: ['registry.title'], section: { name: section, tab: { label: 'registry.tab.tables', order: 20 } }, roles: ['administrator', 'operator'], needs } },
  { path: '/registry/strays', name: 'registry-strays', component: () => import('./strays.vue'), meta: { title: 'registry.strays.title', crumbs: ['registry.title'], section: { name: section, tab: { label: 'registry.tab.strays', order: 25 } }, roles: ['administrator', 'operator', 'planner', 'auditor'], needs } },
  { path: '/registry/check', name: 'registry-check', component: () => import('./check.vue'), meta: { title: 'registry.check.title', crumbs: ['registry.title'], section: { name: section, tab: { label: 'registry.tab.check', order: 30 } }, roles: ['administrator', 'operator', 'planner', 'auditor'], needs } },
  { path: '/registry/:type/:id', name: 'registry-entry', component: () => import('./entry.vue'), meta: { title: 'registry.entry', crumbs: ['registry.title'], section: { name: section, of: 'registry' }, roles, needs } },
]
