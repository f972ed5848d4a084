// SPDX-License-Identifier: Apache-2.0
// One's own second factor and sessions; accounts of others; residents' activation.
import { call, use_csrf } from './call'
import type { Role, Session } from './types'

export interface Security {
  enrolled: boolean
  demanded: boolean
  since?: string
  recovery_left: number
  password_until?: string
  password_soon: boolean
  least_characters: number
}
export interface OpenSession {
  id: string
  browser: string
  system: string
  peer: string
  since: string
  seen: string
  present: boolean
}
export interface Account {
  name: string
  display: string
  role: Role
  client: boolean
  scope?: string
  institution?: string
  institution_name?: string
  area?: string
  practitioner?: string
  disabled: boolean
  must_change_password: boolean
  second_factor: boolean
  created: string
  last_used?: string
}
export interface AccountList {
  total: number
  accounts: Account[]
  /** Those that the one who asks may give. */
  roles: Role[]
  whole: boolean
}
export type NewAccount = Partial<Record<'name' | 'display' | 'role' | 'institution' | 'area' | 'practitioner', string>>
export type AccountChange = Partial<Record<'display' | 'role' | 'institution' | 'area' | 'practitioner' | 'disabled', string>>

const post = <T>(path: string, json: unknown): Promise<T> => call<T>(path, { method: 'POST', json })
/** The cookie changed with the rights, and so did what every write carries. */
function took<T extends Session>(session: T): T {
  use_csrf(session.csrf)
  return session
}

export const security = (): Promise<Security> => call<Security>('/auth/security')
export const begin_factor = (password: string): Promise<{ secret: string; uri: string }> => post('/auth/second-factor', { password })
export const confirm_factor = async (code: string): Promise<Session & { recovery_codes: string[] }> => took(await post<Session & { recovery_codes: string[] }>('/auth/second-factor/confirm', { code }))
export const drop_factor = async (password: string): Promise<Session> => took(await post<Session>('/auth/second-factor/drop', { password }))
export const renew_codes = async (password: string): Promise<string[]> => (await post<{ recovery_codes: string[] }>('/auth/recovery-codes', { password })).recovery_codes
export const sessions = async (): Promise<OpenSession[]> => (await call<{ sessions: OpenSession[] }>('/auth/sessions')).sessions
export const end_session = (id: string): Promise<void> => call<void>(`/auth/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
export const end_others = (): Promise<{ ended: number }> => call('/auth/sessions/end-others', { method: 'POST' })

const at = (name: string, rest = ''): string => `/api/v1/accounts/${encodeURIComponent(name)}${rest}`
export const accounts = (query: Record<string, string>, signal?: AbortSignal): Promise<AccountList> => call('/api/v1/accounts', { query, signal })
export const add_account = (account: NewAccount): Promise<{ name: string; password: string }> => post('/api/v1/accounts', account)
export const change_account = (name: string, change: AccountChange): Promise<Account> => call(at(name), { method: 'PATCH', json: change })
export const remove_account = (name: string): Promise<void> => call(at(name), { method: 'DELETE' })
export const reset_password = (name: string): Promise<{ name: string; password: string }> => call(at(name, '/password'), { method: 'POST' })
export const reset_factor = (name: string): Promise<Account> => call(at(name, '/second-factor'), { method: 'DELETE' })
export const end_sessions_of = (name: string): Promise<void> => call(at(name, '/sessions'), { method: 'DELETE' })

export const activation = (): Promise<{ offered: boolean; demo: boolean }> => call('/auth/activate')
export const ask_activation = (identity: string, card: string): Promise<{ ticket: string; minutes: number }> => post('/auth/activate', { identity, card })
export const finish_activation = (ticket: string, code: string, name: string): Promise<{ name: string; password: string; is_new: boolean }> => post('/auth/activate/confirm', { ticket, code, name })
