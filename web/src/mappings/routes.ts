// SPDX-License-Identifier: Apache-2.0
// Mappings of tables.
import type { RouteRecordRaw } from 'vue-router'
import type { Role } from '../client/types'

const roles: Role[] = ['administrator']
const needs = '/api/v1/mappings'

export const routes: RouteRecordRaw[] = [
  { path: '/mappings', name: 'mappings', component: () => import('./mappings.vue'), meta: { title: 'mappings.title', crumbs: ['intake.crumb'], rail: { icon: 'plug', label: 'shell.rail.data', order: 67.5 }, section: { name: 'data', tab: { label: 'shell.tab.mappings', order: 50 } }, roles, needs } },
  { path: '/mappings/:name', name: 'mapping', component: () => import('./editor.vue'), meta: { title: 'mappings.editor', crumbs: ['intake.crumb', 'mappings.title'], section: { name: 'data', of: 'mappings' }, roles, needs } },
]
