// SPDX-License-Identifier: Apache-2.0
// The filters of the list of messages and their place in the address.
import type { LocationQuery } from 'vue-router'
import { message_states, type MessageQuestion, type MessageState } from '../client/intake'
import { is_day } from '../parts/calendar'
import type { Status } from '../parts/status'

export interface Filters {
  source: string
  state: MessageState | ''
  kind: string
  /** Days, 2026-11-20 or ''. */
  from: string
  to: string
  text: string
  control_id: string
  /** The sender's own number of a patient: means something with a source only. */
  patient: string
}
export const filter_names = ['source', 'state', 'kind', 'from', 'to', 'text', 'control_id', 'patient'] as const

const one = (value: unknown): string => (typeof value === 'string' ? value.trim() : '')

export function filters_of(query: LocationQuery): Filters {
  const day = (value: string): string => (is_day(value) ? value : '')
  return { source: one(query['source']), state: message_states.find((state) => state === query['state']) ?? '', kind: one(query['kind']), from: day(one(query['from'])), to: day(one(query['to'])), text: one(query['text']), control_id: one(query['control_id']), patient: one(query['patient']) }
}

export function query_of(filters: Filters): Record<string, string> {
  return Object.fromEntries(filter_names.map((name) => [name, filters[name]] as const).filter(([, value]) => value !== ''))
}

/** Days are those of the server, as in its ledger; the last one is in. */
export function question_of(filters: Filters, after: string | null, count: number): MessageQuestion {
  const asked: MessageQuestion = { count }
  for (const name of filter_names) {
    const value = filters[name]
    if (value && (name !== 'patient' || filters.source)) asked[name] = value
  }
  if (after) asked.after = after
  return asked
}

export const status_of_message: Record<MessageState, Status> = { waiting: 'info', stored: 'good', rejected: 'critical', duplicate: 'quiet', ignored: 'quiet' }
