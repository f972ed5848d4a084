// SPDX-License-Identifier: Apache-2.0
// What comes in: sources, their messages, the error queue, the ledger. Fields are named as on the wire.
import { call, with_query } from './call'

export const source_kinds = ['mllp', 'http', 'folder'] as const
export type SourceKind = (typeof source_kinds)[number]
export type SourceState = 'ok' | 'late' | 'silent' | 'failing' | 'paused'
export const message_states = ['waiting', 'stored', 'rejected', 'duplicate', 'ignored'] as const
export type MessageState = (typeof message_states)[number]

export interface Counts {
  received: number
  stored: number
  rejected: number
  duplicate: number
}
export interface Hour extends Counts {
  at: string
  /** What this hour of this weekday usually brings; null while nobody knows. */
  expected: number | null
}
export interface Source extends Counts {
  id: string
  name: string
  kind: SourceKind
  /** hl7v2, cda, csv:MAPPING, xlsx:MAPPING, fhir */
  format: string
  organization: string
  state: SourceState
  paused: boolean
  last_at: string | null
  waiting: number
  today: Counts
  latency_ms: { p50: number | null; p99: number | null } | null
  expected_hour: number | null
  this_hour: number
  /** Of any state but ok and paused, in the server's words. */
  why?: string | null
  clock_wrong?: boolean
  settings: Record<string, unknown>
}
export interface SourceDraft {
  id: string
  name: string
  kind: SourceKind
  format: string
  organization: string
  paused: boolean
  settings: Record<string, unknown>
}

export interface Message {
  id: string
  source: string
  kind: string
  control_id: string
  state: MessageState
  received_at: string
  sent_at: string | null
  stored_at: string | null
  reason: string | null
  /** Where in the message the reason lies. */
  where?: string | null
  bytes: number
  /** Of a duplicate the first, of an edited message the one it takes the place of. */
  of?: string | null
}
export interface Field {
  /** PID-5, or PID-5.1 */
  place: string
  name: string
  name_zh: string
  value: string
  /** What a code means; '' when the value speaks for itself. */
  meaning: string
}
export interface Segment {
  name: string
  title: string
  title_zh: string
  fields: Field[]
}
export interface MessageDetail extends Message {
  /** Null when it is no longer kept. */
  raw: string | null
  /** Bytes that are no UTF-8 come packed. */
  raw_is_base64?: boolean
  /** False: only those who run the platform see what the message holds. */
  whole?: boolean
  encoding: string
  segments: Segment[]
  notes: { where: string; what: string; key: string }[]
  resources: { type: string; id: string; version: string | number | null }[]
  journey: { at: string; what: string; detail: string }[]
}
export interface MessageQuestion {
  source?: string
  state?: string
  kind?: string
  from?: string
  to?: string
  text?: string
  control_id?: string
  patient?: string
  count?: number
  after?: string
}
export interface MessagesPage {
  messages: Message[]
  next: string | null
  total: number | null
  /** There may be more than `total`. */
  total_is_least?: boolean
}
export interface ErrorGroup {
  source: string
  where: string
  reason: string
  count: number
  first_at: string
  last_at: string
  /** Id of a message. */
  example: string
}
export interface LedgerLine extends Counts {
  source: string
  waiting: number
  ignored: number
  balanced: boolean
}

const root = '/api/v1/intake'
const source_path = (id: string): string => `${root}/sources/${encodeURIComponent(id)}`
const message_path = (id: string): string => `${root}/messages/${encodeURIComponent(id)}`

export const sources = async (signal?: AbortSignal): Promise<Source[]> => (await call<{ sources: Source[] }>(`${root}/sources`, { signal })).sources
export const add_source = (draft: SourceDraft): Promise<unknown> => call(`${root}/sources`, { method: 'POST', json: draft })
export const change_source = (draft: SourceDraft): Promise<unknown> => call(source_path(draft.id), { method: 'PUT', json: draft })
export const remove_source = (id: string): Promise<void> => call<void>(source_path(id), { method: 'DELETE' })
export const hours = async (id: string, days: number, signal?: AbortSignal): Promise<Hour[]> => (await call<{ hours: Hour[] }>(`${source_path(id)}/hours`, { query: { days }, signal })).hours

export const messages = (question: MessageQuestion, signal?: AbortSignal): Promise<MessagesPage> => call<MessagesPage>(`${root}/messages`, { query: { ...question }, signal })
export const message = (id: string, signal?: AbortSignal): Promise<MessageDetail> => call<MessageDetail>(message_path(id), { signal })
export const retry_message = (id: string): Promise<unknown> => call(`${message_path(id)}/retry`, { method: 'POST' })
export const ignore_message = (id: string, reason: string): Promise<unknown> => call(`${message_path(id)}/ignore`, { method: 'POST', json: { reason } })
export const resubmit_message = (id: string, text: string, reason: string): Promise<{ id?: string } | undefined> => call(`${message_path(id)}/resubmit`, { method: 'POST', json: { text, reason } })
export const replay = (source: string, from: string, to: string): Promise<unknown> => call(`${root}/replay`, { method: 'POST', json: { source, from, to } })

export const errors = async (source: string, signal?: AbortSignal): Promise<ErrorGroup[]> => (await call<{ groups: ErrorGroup[] }>(`${root}/errors`, { query: { source }, signal })).groups
export const retry_errors = (group: Pick<ErrorGroup, 'source' | 'where' | 'reason'>): Promise<{ retried?: number } | undefined> => call(`${root}/errors/retry`, { method: 'POST', json: { source: group.source, where: group.where, reason: group.reason } })

export const ledger = (day: string, source: string, signal?: AbortSignal): Promise<{ day: string; lines: LedgerLine[] }> => call(`${root}/ledger`, { query: { day, source }, signal })
export const ledger_csv = (day: string, source: string): string => with_query(`${root}/ledger.csv`, { day, source })
