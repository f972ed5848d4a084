// SPDX-License-Identifier: Apache-2.0
// What comes in: sources, messages, errors, the ledger.
import type { RouteRecordRaw } from 'vue-router'
import type { Role } from '../client/types'

const roles: Role[] = ['administrator', 'operator']
const needs = '/api/v1/intake/sources'
const data = { name: 'data' }

export const routes: RouteRecordRaw[] = [
  { path: '/sources', name: 'sources', component: () => import('./sources.vue'), meta: { title: 'intake.title', crumbs: ['intake.crumb'], rail: { icon: 'plug', label: 'shell.rail.data', order: 67 }, section: { ...data, tab: { label: 'shell.tab.sources', order: 10 } }, roles, needs } },
  { path: '/sources/:id', name: 'source', component: () => import('./source.vue'), meta: { title: 'intake.source.title', crumbs: ['intake.crumb', 'intake.title'], section: { ...data, of: 'sources' }, roles, needs } },
  { path: '/messages', name: 'messages', component: () => import('./messages.vue'), meta: { title: 'intake.messages.title', crumbs: ['intake.crumb'], section: { ...data, tab: { label: 'shell.tab.messages', order: 20 } }, roles, needs } },
  { path: '/messages/:id', name: 'message', component: () => import('./message.vue'), meta: { title: 'intake.message.title', crumbs: ['intake.crumb', 'intake.messages.title'], section: { ...data, of: 'messages' }, roles, needs } },
  { path: '/errors', name: 'errors', component: () => import('./errors.vue'), meta: { title: 'intake.errors.title', crumbs: ['intake.crumb'], section: { ...data, tab: { label: 'shell.tab.errors', order: 30 } }, roles, needs } },
  { path: '/ledger', name: 'ledger', component: () => import('./ledger.vue'), meta: { title: 'intake.ledger.title', crumbs: ['intake.crumb'], section: { ...data, tab: { label: 'shell.tab.ledger', order: 40 } }, roles, needs } },
]
