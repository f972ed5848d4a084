// SPDX-License-Identifier: Apache-2.0
// Data quality: every institution's figures, and one institution's.
import type { RouteRecordRaw } from 'vue-router'
import type { Role } from '../client/types'

const roles: Role[] = ['administrator', 'operator', 'planner']
const needs = '/api/v1/quality'

export const routes: RouteRecordRaw[] = [
  { path: '/quality', name: 'quality', component: () => import('./quality.vue'), meta: { title: 'quality.title', crumbs: ['intake.crumb'], rail: { icon: 'plug', label: 'shell.rail.data', order: 67.3 }, section: { name: 'data', tab: { label: 'shell.tab.quality', order: 45 } }, roles, needs } },
  { path: '/quality/:id', name: 'quality-of', component: () => import('./institution.vue'), meta: { title: 'quality.one', crumbs: ['intake.crumb', 'quality.title'], section: { name: 'data', of: 'quality' }, roles, needs } },
]
