// SPDX-License-Identifier: Apache-2.0
// What goes out: channels, their deliveries, the account of a day. Fields are named as on the wire.
import { call, with_query } from './call'

export const channel_kinds = ['fhir', 'mllp', 'folder'] as const
export type ChannelKind = (typeof channel_kinds)[number]
export type ChannelFormat = 'transaction' | 'document' | 'ndjson' | 'hl7v2' | 'csv' | 'cda'
export const channel_dates = ['keep', 'shift', 'month', 'year'] as const
export type ChannelDates = (typeof channel_dates)[number]
export type ChannelState = 'ok' | 'sending' | 'late' | 'unreachable' | 'refusing' | 'paused' | 'off'
export const delivery_states = ['waiting', 'sent', 'acknowledged', 'refused', 'ignored'] as const
export type DeliveryState = (typeof delivery_states)[number]

export interface ChannelCounts {
  all: number
  waiting: number
  sent: number
  acknowledged: number
  refused: number
  ignored: number
  withheld: number
}
export interface ChannelDraft {
  id: string
  name: string
  name_en: string
  owner: string
  organization: string
  mode: 'on' | 'paused' | 'off'
  from: 'now' | 'start'
  target: { kind: ChannelKind; url: string; folder: string; tls: boolean; authorities: string; identity: string; login: 'none' | 'bearer' | 'basic'; secret: string; receipt: 'none' | 'file' | 'taken' }
  format: ChannelFormat
  filter: { types: { type: string; where: string; search: string }[]; organizations: string[]; confidentiality: string[]; deletions: boolean }
  transform: { deidentify: boolean; key: string; pseudonyms: 'channel' | 'key'; dates: ChannelDates; columns?: { name: string; path: string }[]; encoding: string; event: string; version: string; application: string; facility: string; receiving_application: string; receiving_facility: string }
  batch: { count: number; seconds: number; at: string; offset_minutes: number }
  retry: { first_seconds: number; most_seconds: number; attempts: number; timeout_seconds: number; keep_days: number }
}
export interface Channel extends ChannelDraft {
  built_in: boolean
  health: { state: ChannelState; why: string; resources: ChannelCounts; deliveries_waiting: number; deliveries_refused: number; last_acknowledged_at: string | null; oldest_waiting_at: string | null; next_try_at: string | null; behind: number }
}
export interface Delivery {
  id: string
  channel: string
  control_id: string
  state: DeliveryState
  items: number
  created_at: string
  due_at: string | null
  sent_at: string | null
  settled_at: string | null
  attempts: number
  bytes: number
  where: string | null
  reason: string | null
  receipt: string | null
  file: string | null
}
export interface DeliveryDetail extends Delivery {
  resources: { resource: string; version: number; deleted: boolean }[]
  journey: { at: string; who: string; what: string; detail: string }[]
  /** False: only administrators see what was sent. */
  whole: boolean
}
export interface Account {
  channel: string
  day: string
  have: number
  counted_in_record: boolean
  queued: ChannelCounts
  missing: number
  balanced: boolean
  difference: { state: string; resource: string; version: number; delivery: string | null; reason: string }[]
  difference_is_cut: boolean
}
export interface Trial {
  matches: boolean
  why: string
  content_type: string | null
  payload: string | null
  reachable: boolean | null
  connection: string
}

const at = '/api/v1/channels'
const of = (id: string): string => `${at}/${encodeURIComponent(id)}`

export const channels = async (signal?: AbortSignal): Promise<Channel[]> => (await call<{ channels: Channel[] }>(at, { signal })).channels
export const add_channel = (draft: ChannelDraft): Promise<Channel> => call(at, { method: 'POST', json: draft })
export const change_channel = (draft: ChannelDraft): Promise<Channel> => call(of(draft.id), { method: 'PUT', json: draft })
export const remove_channel = (id: string): Promise<void> => call(of(id), { method: 'DELETE' })
export const pause_channel = (id: string): Promise<Channel> => call(`${of(id)}/pause`, { method: 'POST' })
export const resume_channel = (id: string): Promise<Channel> => call(`${of(id)}/resume`, { method: 'POST' })
export const try_channel = (id: string, resource: string, connect: boolean): Promise<Trial> => call(`${of(id)}/test`, { method: 'POST', json: { resource, connect } })
export const deliveries = (id: string, query: { state?: string; after?: string; count?: number }, signal?: AbortSignal): Promise<{ deliveries: Delivery[]; next: string | null }> => call(`${of(id)}/deliveries`, { query, signal })
export const delivery = (id: string, number: string, signal?: AbortSignal): Promise<DeliveryDetail> => call(`${of(id)}/deliveries/${encodeURIComponent(number)}`, { signal })
export const raw_address = (id: string, number: string): string => `${of(id)}/deliveries/${encodeURIComponent(number)}/raw`
export const retry_delivery = (id: string, number: string): Promise<Delivery> => call(`${of(id)}/deliveries/${encodeURIComponent(number)}/retry`, { method: 'POST' })
export const ignore_delivery = (id: string, number: string, reason: string): Promise<Delivery> => call(`${of(id)}/deliveries/${encodeURIComponent(number)}/ignore`, { method: 'POST', json: { reason } })
export const retry_refused = (id: string): Promise<{ retried: number }> => call(`${of(id)}/retry`, { method: 'POST' })
export const account_of = (id: string, day: string, signal?: AbortSignal): Promise<Account> => call(`${of(id)}/reconciliation`, { query: { day }, signal })
export const account_file = (id: string, day: string): string => with_query(`${of(id)}/reconciliation.csv`, { day })
