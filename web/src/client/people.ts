// SPDX-License-Identifier: Apache-2.0
// People: finding them, the header of a record, opening what is masked, who looked.
import { call } from './call'
import type { Access, PeoplePage, PersonHeader } from './types'

export interface PeopleQuestion {
  q?: string
  count?: number
  after?: string
}

const person = (id: string): string => `/api/v1/people/${encodeURIComponent(id)}`

export function find_people(question: PeopleQuestion, signal?: AbortSignal): Promise<PeoplePage> {
  return call<PeoplePage>('/api/v1/people', { query: { ...question }, signal })
}

export function person_header(id: string, signal?: AbortSignal): Promise<PersonHeader> {
  return call<PersonHeader>(person(id), { signal })
}

/** Opens one masked value; the server writes it down. */
export async function reveal(id: string, field: 'identifier' | 'phone' | 'address', index: number): Promise<string> {
  const answer = await call<{ value: string }>(`${person(id)}/reveal`, { method: 'POST', json: { field, index } })
  return answer.value
}

export function accesses(id: string, count = 20, signal?: AbortSignal): Promise<{ total: number; accesses: Access[] }> {
  return call(`${person(id)}/accesses`, { query: { count }, signal })
}

export async function record_printed(id: string): Promise<void> {
  await call<void>(`${person(id)}/printed`, { method: 'POST' })
}

/** The days on which something was written about a person, oldest first. */
export interface Timeline {
  first_at: string | null
  last_at: string | null
  /** `position`: of the feed, at the end of the day. */
  days: { date: string; versions: number; position: number }[]
}
export const timeline = (id: string, signal?: AbortSignal): Promise<Timeline> => call<Timeline>(`${person(id)}/timeline`, { signal })
