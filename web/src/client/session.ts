// SPDX-License-Identifier: Apache-2.0
// Who is there: signing in and out.
import { call, use_csrf } from './call'
import type { Session } from './types'

export async function sign_in(name: string, password: string): Promise<Session> {
  const session = await call<Session>('/auth/login', { method: 'POST', json: { name, password } })
  use_csrf(session.csrf)
  return session
}

export async function who_am_i(): Promise<Session> {
  const session = await call<Session>('/auth/me')
  use_csrf(session.csrf)
  return session
}

export async function change_password(old_password: string, new_password: string): Promise<void> {
  const session = await call<Session>('/auth/password', { method: 'POST', json: { old: old_password, new: new_password } })
  use_csrf(session.csrf) // the cookie is a new one too
}

export async function sign_out(): Promise<void> {
  await call<void>('/auth/logout', { method: 'POST' })
  use_csrf('')
}
