// SPDX-License-Identifier: Apache-2.0
// Security audit: who looked, questions of residents, unusual looks; and the resident's own page of who looked.
import type { RouteRecordRaw } from 'vue-router'
import type { Role } from '../client/types'

const roles: Role[] = ['auditor']
const needs = '/api/v1/audit'
const section = 'system' // they share a place of the rail

export const routes: RouteRecordRaw[] = [
  { path: '/audit', name: 'audit', component: () => import('./lines.vue'), meta: { title: 'audit.title', rail: { icon: 'eye', label: 'audit.rail', order: 72 }, section: { name: section, tab: { label: 'audit.tab.lines', order: 10 } }, roles, needs } },
  { path: '/audit/cases', name: 'audit-cases', component: () => import('./cases.vue'), meta: { title: 'audit.cases.title', crumbs: ['audit.title'], section: { name: section, tab: { label: 'audit.tab.cases', order: 20 } }, roles: ['auditor'], needs } },
  { path: '/audit/unusual', name: 'audit-unusual', component: () => import('./unusual.vue'), meta: { title: 'audit.unusual.title', crumbs: ['audit.title'], section: { name: section, tab: { label: 'audit.tab.unusual', order: 30 } }, roles, needs } },
  { path: '/audit/emergencies', name: 'audit-emergencies', component: () => import('./emergencies.vue'), meta: { title: 'audit.emergencies.title', crumbs: ['audit.title'], section: { name: section, tab: { label: 'audit.tab.emergencies', order: 25 } }, roles: ['auditor', 'administrator'], needs: '/api/v1/emergency/reviews' } },
  { path: '/looks', name: 'my-looks', component: () => import('./mine.vue'), meta: { title: 'audit.mine.title', roles: ['resident'], needs: '/api/v1/audit/mine/cases' } },
]
