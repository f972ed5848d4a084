// SPDX-License-Identifier: Apache-2.0
// Addresses. Each page folder says its own routes in routes.ts; here they are gathered and guarded.
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteLocationRaw, type RouteRecordRaw } from 'vue-router'
import type { Role, User } from '../client/types'
import { ask_served, is_served } from './served'
import { use_session } from './session_store'
import { is_ward } from './wards'

const found = import.meta.glob<RouteRecordRaw[]>('../*/routes.ts', { eager: true, import: 'routes' })
export const routes: RouteRecordRaw[] = Object.values(found).flat()

export const router = createRouter({
  history: createWebHistory(),
  routes: [...routes, { path: '/no-right', name: 'no-right', component: () => import('./no_right.vue'), meta: { title: 'shell.no_right.title' } }, { path: '/:rest(.*)*', name: 'missing', component: () => import('./missing.vue'), meta: { title: 'shell.missing.title' } }],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

/** Who may read records of people. */
export const readers: readonly Role[] = ['administrator', 'clinician', 'epidemiologist']
/** Where those begin who may not: the first page is about people. */
export const first_page: Partial<Record<Role, string>> = { planner: 'system', operator: 'system', auditor: 'audit', 'institution-administrator': 'accounts' }

/** A resident has the own record, those of whom one acts for, who looked at it, who may see it, and the own card. */
function guard_resident(to: Going, patient: string): true | RouteLocationRaw {
  if (['password', 'security', 'no-right', 'my-card', 'my-looks', 'my-consent', 'app-authorize', 'app-leave', 'my-apps'].includes(String(to.name))) return true
  const is_own = (to.name === 'person' || to.name === 'person-print') && (to.params?.['id'] === patient || is_ward(to.params?.['id']))
  return is_own ? true : { name: 'person', params: { id: patient } }
}

/** A password of one's own, a second factor: nothing else is open before. */
export const owes = (user: User): boolean => user.must_change_password || user.must_enrol === true

type Going = Pick<RouteLocationNormalized, 'name' | 'fullPath' | 'meta'> & Partial<Pick<RouteLocationNormalized, 'params'>>

/** Where someone is sent instead of the page asked for; true when the page may open. */
export function guard(to: Going, user: User | null): true | RouteLocationRaw {
  if (to.meta.open) return user && !owes(user) && to.name === 'login' ? { name: 'home' } : true
  if (!user) return { name: 'login', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
  if (owes(user)) return { name: 'login', query: { to: to.fullPath } }
  if (user.role === 'resident') return guard_resident(to, user.patient ?? '')
  const first = first_page[user.role]
  if (to.name === 'home' && first) return { name: first }
  return to.meta.roles && !to.meta.roles.includes(user.role) ? { name: 'no-right' } : true
}

/** Only an address of this house may follow a login: no scheme, no host. */
export function safe_return(address: unknown): string {
  return typeof address === 'string' && /^\/(?![/\\])/.test(address) && !address.startsWith('/login') ? address : '/'
}

router.beforeEach(async (to) => {
  const session = use_session()
  await session.ask()
  const may = guard(to, session.user)
  if (may !== true || !session.user || owes(session.user)) return may
  if (!to.meta.needs) {
    void ask_served() // for the menu
    return true
  }
  await ask_served()
  return is_served(to.meta.needs) ? true : { name: 'missing', params: { rest: to.path.slice(1).split('/') }, query: to.query }
})
