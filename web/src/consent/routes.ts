// SPDX-License-Identifier: Apache-2.0
// Who may see a record: the resident decides on the phone, a counter records what was signed on paper.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/consent', name: 'my-consent', component: () => import('./mine.vue'), meta: { title: 'consent.mine', roles: ['resident'], needs: '/api/v1/consent/mine' } },
  { path: '/consent/person/:id', name: 'person-consent', component: () => import('./person.vue'), meta: { title: 'consent.of_person', crumbs: ['people.title'], under: 'people', roles: ['administrator', 'clinician'], needs: '/api/v1/consent/person/{id}' } },
]
