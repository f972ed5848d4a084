// SPDX-License-Identifier: Apache-2.0
// The explorer: a search is an address, and so is every resource, tab and version.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/explorer/:type([A-Z][A-Za-z]*)?', name: 'explorer', component: () => import('./explorer.vue'), meta: { title: 'explorer.title', rail: { icon: 'database', label: 'shell.rail.explorer', order: 60 }, roles: ['administrator', 'clinician', 'epidemiologist'] } },
  { path: '/explorer/:type([A-Z][A-Za-z]*)/_new', name: 'resource-new', component: () => import('./new.vue'), meta: { title: 'explorer.edit.new', crumbs: ['explorer.title'], under: 'explorer', roles: ['administrator', 'clinician'] } },
  { path: '/explorer/:type([A-Z][A-Za-z]*)/:id([A-Za-z0-9.-]+)/:tab(json|xml|history|edit)?', name: 'resource', component: () => import('./resource.vue'), meta: { title: 'explorer.resource.title', crumbs: ['explorer.title'], under: 'explorer' } },
]
