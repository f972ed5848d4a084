// SPDX-License-Identifier: Apache-2.0
// What goes out: channels, their deliveries, the account of a day.
import type { RouteRecordRaw } from 'vue-router'
import type { Role } from '../client/types'

const roles: Role[] = ['administrator', 'operator']
const needs = '/api/v1/channels'
const data = { name: 'data' }

export const routes: RouteRecordRaw[] = [
  { path: '/channels', name: 'channels', component: () => import('./channels.vue'), meta: { title: 'channels.title', crumbs: ['intake.crumb'], section: { ...data, tab: { label: 'shell.tab.channels', order: 25 } }, roles, needs } },
  { path: '/channels/:id', name: 'channel', component: () => import('./channel.vue'), meta: { title: 'channels.one', crumbs: ['intake.crumb', 'channels.title'], section: { ...data, of: 'channels' }, roles, needs } },
]
