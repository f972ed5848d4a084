// SPDX-License-Identifier: Apache-2.0
// Views: the list, one being written, one with its rows. No view can be called "_new".
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/views', name: 'views', component: () => import('./views.vue'), meta: { title: 'views.title', rail: { icon: 'table', label: 'shell.rail.views', order: 64 }, roles: ['administrator', 'clinician', 'epidemiologist'] } },
  { path: '/views/:name([A-Za-z_][A-Za-z0-9_]*)/:tab(rows)?', name: 'view', component: () => import('./view.vue'), meta: { title: 'views.one', crumbs: ['views.title'], under: 'views', roles: ['administrator', 'clinician', 'epidemiologist'] } },
]
