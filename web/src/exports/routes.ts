// SPDX-License-Identifier: Apache-2.0
// Taking records out in bulk.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/exports', name: 'exports', component: () => import('./exports.vue'), meta: { title: 'exports.title', rail: { icon: 'box_out', label: 'shell.rail.exports', order: 74 }, roles: ['administrator'] } },
]
