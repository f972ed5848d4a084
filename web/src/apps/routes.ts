// SPDX-License-Identifier: Apache-2.0
// Apps of others: being asked, what was given, and leaving.
import type { RouteRecordRaw } from 'vue-router'

const needs = '/oauth/request'

export const routes: RouteRecordRaw[] = [
  { path: '/apps/authorize', name: 'app-authorize', component: () => import('./authorize.vue'), meta: { title: 'apps.authorize', bare: true, needs } },
  { path: '/apps', name: 'my-apps', component: () => import('./mine.vue'), meta: { title: 'apps.mine', under: '', needs: '/oauth/apps' } },
  { path: '/apps/leave', name: 'app-leave', component: () => import('./leave.vue'), meta: { title: 'apps.leave', bare: true, needs } },
]
