// SPDX-License-Identifier: Apache-2.0
// Who is there: signing in and out.
import { call, use_csrf } from './call'
import type { Session } from './types'

/** Either the session, or the ticket that a code of the second factor must follow. */
export async function sign_in(name: string, password: string): Promise<Session | { ticket: string }> {
  const answer = await call<Session | { ticket: string }>('/auth/login', { method: 'POST', json: { name, password } })
  if ('csrf' in answer) use_csrf(answer.csrf)
  return answer
}

export async function second_step(ticket: string, code: string): Promise<Session> {
  const session = await call<Session>('/auth/second-step', { method: 'POST', json: { ticket, code } })
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
