// SPDX-License-Identifier: Apache-2.0
// The door: signing in, and changing a password.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/login', name: 'login', component: () => import('./login.vue'), meta: { title: 'login.title', open: true } },
  { path: '/password', name: 'password', component: () => import('./password.vue'), meta: { title: 'login.password.title', under: '' } },
  { path: '/account', name: 'security', component: () => import('./security.vue'), meta: { title: 'security.title', under: '' } },
  { path: '/activate', name: 'activate', component: () => import('./activate.vue'), meta: { title: 'activate.title', open: true } },
]
