// SPDX-License-Identifier: Apache-2.0
// Who may open what, and where one is sent instead.
import { describe, expect, it } from 'vitest'
import type { User } from '../client/types'
import { guard, routes, safe_return } from './router'

const doctor: User = { name: 'doctor', display: 'Dr', role: 'clinician', must_change_password: false }
const to = (name: string, fullPath: string, open = false): Parameters<typeof guard>[0] => ({ name, fullPath, meta: { title: 't', open } })

describe('the guard', () => {
  it('sends strangers to the door and remembers where they wanted to go', () => {
    expect(guard(to('person', '/people/7?x=1'), null)).toEqual({ name: 'login', query: { to: '/people/7?x=1' } })
    expect(guard(to('home', '/'), null)).toEqual({ name: 'login', query: {} })
    expect(guard(to('login', '/login', true), null)).toBe(true)
  })
  it('keeps those with a one-time password at the door', () => {
    const first = { ...doctor, must_change_password: true }
    expect(guard(to('person', '/people/7'), first)).toEqual({ name: 'login', query: { to: '/people/7' } })
    expect(guard(to('login', '/login', true), first)).toBe(true)
  })
  it('lets the others in', () => {
    expect(guard(to('person', '/people/7'), doctor)).toBe(true)
    expect(guard(to('login', '/login', true), doctor)).toEqual({ name: 'home' })
  })
  it('keeps pages to the roles they are for', () => {
    const page = { ...to('system', '/system'), meta: { title: 't', roles: ['administrator' as const] } }
    expect(guard(page, doctor)).toEqual({ name: 'no-right' })
    expect(guard(page, { ...doctor, role: 'administrator' })).toBe(true)
  })
  it('shows residents their own record and nothing else', () => {
    const resident: User = { ...doctor, role: 'resident', patient: 'p1' }
    const own = { name: 'person', params: { id: 'p1' } }
    expect(guard({ ...to('person', '/people/p1'), params: { id: 'p1' } }, resident)).toBe(true)
    expect(guard(to('password', '/password'), resident)).toBe(true)
    expect(guard({ ...to('person', '/people/p2'), params: { id: 'p2' } }, resident)).toEqual(own)
    for (const name of ['home', 'people', 'explorer', 'system']) expect(guard(to(name, '/x'), resident)).toEqual(own)
  })
  it('lets those begin elsewhere who have no business with people', () => {
    for (const role of ['planner', 'operator'] as const) expect(guard(to('home', '/'), { ...doctor, role })).toEqual({ name: 'system' })
    expect(guard(to('home', '/'), { ...doctor, role: 'auditor' })).toEqual({ name: 'audit' })
    expect(guard(to('home', '/'), { ...doctor, role: 'epidemiologist' })).toBe(true)
  })
  it('opens nothing before a password of one\'s own and a second factor', () => {
    for (const owed of [{ must_change_password: true }, { must_enrol: true }]) {
      expect(guard(to('people', '/people'), { ...doctor, ...owed })).toEqual({ name: 'login', query: { to: '/people' } })
      expect(guard(to('login', '/login', true), { ...doctor, ...owed })).toBe(true)
    }
    expect(guard(to('home', '/'), { ...doctor, role: 'institution-administrator' })).toEqual({ name: 'accounts' })
  })
  it('returns to addresses of this house only', () => {
    expect(safe_return('/people/7')).toBe('/people/7')
    for (const bad of ['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', '/login', undefined, ['/a']]) expect(safe_return(bad)).toBe('/')
  })
})

describe('the routes', () => {
  it('all have a title', () => {
    for (const route of routes) expect([route.path, typeof route.meta?.title]).toEqual([route.path, 'string'])
  })
  it('fill at most eight places of the rail', () => {
    // Pages of one section share a place.
    const places = new Set(routes.filter((route) => route.meta?.rail).map((route) => route.meta?.section?.name ?? route.name))
    expect(places.size).toBeLessThanOrEqual(8)
  })
  it('light a tab that there is', () => {
    for (const route of routes) {
      const of = route.meta?.section?.of
      if (of) expect([of, routes.some((other) => other.name === of && other.meta?.section?.tab)]).toEqual([of, true])
    }
  })
})
