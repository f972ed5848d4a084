// SPDX-License-Identifier: Apache-2.0
// The first page after signing in.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/', name: 'home', component: () => import('./home.vue'), meta: { title: 'home.title', rail: { icon: 'home', label: 'shell.rail.home', order: 10 } } },
]
