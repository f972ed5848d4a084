// SPDX-License-Identifier: Apache-2.0
// The audit: lines, the state of their chain, questions of residents, unusual looks. Fields are named as on the wire.
import { call } from './call'

export interface Line {
  row: number
  at: string
  who: string
  display: string
  role: string
  institution: string
  institution_name: string
  what: string
  type: string
  id: string
  patient: string
  purpose: string
  authorisation: string
  detail: string
  status: number
  reason: string
  count: number
  peer: string
  trace: string
}
export interface Asked {
  patient?: string
  who?: string
  what?: string
  institution?: string
  from?: string
  to?: string
  result?: string
  emergency?: string
}
export interface Fault {
  kind: string
  first: number
  last: number
  at: string
  what: string
}
export interface Chain {
  lines: number
  checkpoint: { checkpoint: number; line: number; at: string; hash: string; key: string } | null
  signing_trouble: string
  verified: { running: boolean; at: string | null; lines: number; checkpoints: number; good: boolean; faults_found: number; faults: Fault[]; error: string }
  cases_waiting: number
  findings_waiting: number
}
export type CaseState = 'open' | 'asked' | 'answered' | 'closed'
export interface Case {
  number: number
  opened: string
  moved: string
  state: CaseState
  patient: string
  opened_by: string
  question: string
  answer: string
  line: Line | null
  steps: { at: string; by: string; step: string; words: string }[]
}
type Words = Record<string, string>
export interface Rule {
  id: string
  names: Words
  why: Words
}
export interface Finding {
  number: number
  rule: string
  facts: Record<string, string>
  line: Line | null
  reviewed: string | null
  reviewed_by: string
  note: string
}

export const lines = (asked: Asked, before: number | null, signal?: AbortSignal): Promise<{ lines: Line[]; next?: number | null }> => call('/api/v1/audit', { query: { ...asked, before, count: 50 }, signal })
export const chain = (signal?: AbortSignal): Promise<Chain> => call('/api/v1/audit/chain', { signal })
export const verify_chain = (): Promise<unknown> => call('/api/v1/audit/chain/verify', { method: 'POST' })
export const cases = (state: string, signal?: AbortSignal): Promise<{ cases: Case[] }> => call('/api/v1/audit/cases', { query: { state }, signal })
export const move_case = (number: number, step: string, words: string): Promise<Case> => call(`/api/v1/audit/cases/${number}/step`, { method: 'POST', json: { step, words } })
export const my_cases = (signal?: AbortSignal): Promise<{ cases: Case[] }> => call('/api/v1/audit/mine/cases', { signal })
export const open_case = (row: number, question: string): Promise<Case> => call('/api/v1/audit/mine/cases', { method: 'POST', json: { row: String(row), question } })
export const move_my_case = (number: number, step: string, words: string): Promise<Case> => call(`/api/v1/audit/mine/cases/${number}/step`, { method: 'POST', json: { step, words } })
export const unusual = (reviewed: boolean, signal?: AbortSignal): Promise<{ rules: Rule[]; findings: Finding[]; lines_left: number }> => call('/api/v1/audit/unusual', { query: { reviewed }, signal })
export const review_finding = (number: number, note: string): Promise<unknown> => call(`/api/v1/audit/unusual/${number}/review`, { method: 'POST', json: { note } })
