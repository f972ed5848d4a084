// SPDX-License-Identifier: Apache-2.0
// Accounts: who may come in, given and taken by administrators.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/accounts', name: 'accounts', component: () => import('./accounts.vue'), meta: { title: 'accounts.title', section: { name: 'system', tab: { label: 'accounts.rail', order: 20 } }, roles: ['administrator', 'institution-administrator'], needs: '/api/v1/accounts' } },
]
