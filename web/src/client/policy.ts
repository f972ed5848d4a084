// SPDX-License-Identifier: Apache-2.0
// Who may see what: the rules in words, and what they say of an account and a resource.
import { call } from './call'

export interface Words {
  zh: string
  en: string
}
export interface PolicyRule {
  id: string
  /** null: the resident decides. */
  permit: boolean | null
  set: string | null
  why: Words
}
export interface PolicyBook {
  roles: { role: string; rules: PolicyRule[] }[]
  sets: { id: string; why: Words; searches: string[] }[]
  nothing: Words
}
export interface PolicyDecision {
  allowed: boolean
  /** '' when nothing guards the account, 'nothing' when no rule applied. */
  rule: string
  why: Words
  until: string | null
  emergency_possible: boolean
}

export const policy = (signal?: AbortSignal): Promise<PolicyBook> => call<PolicyBook>('/api/v1/policy', { signal })
export const decision = (asked: { patient?: string; type?: string; id?: string; as?: string; purpose?: string }, signal?: AbortSignal): Promise<PolicyDecision> =>
  call<PolicyDecision>('/api/v1/policy/decision', { query: { ...asked }, signal })
