// SPDX-License-Identifier: Apache-2.0
// Who may see what, and why.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/policy', name: 'policy', component: () => import('./policy.vue'), meta: { title: 'policy.title', section: { name: 'system', tab: { label: 'policy.title', order: 40 } }, roles: ['administrator', 'auditor', 'clinician', 'epidemiologist'], needs: '/api/v1/policy' } },
]
