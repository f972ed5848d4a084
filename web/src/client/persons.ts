// SPDX-License-Identifier: Apache-2.0
// The person index: persons, the queue, decisions. Fields are named as on the wire.
import type { Bundle, Patient } from 'fhir/r4'
import { name_text } from '../people/from_fhir'
import { call } from './call'

export interface Weight {
  field: string
  level: 'differs' | 'far' | 'loose' | 'near' | 'close' | 'exact'
  /** Bits for (above zero) or against one person. */
  weight: number
}
export interface PatientSide {
  id: string
  live: boolean
  source?: string
  source_name?: string
  arrived_at?: string | null
  name?: string
  pinyin?: string
  sex?: string
  birth_date?: string
  identifier?: string
  phone?: string
  address?: string
  deceased?: boolean
  updated_at?: string | null
}
export interface Evidence {
  a: string
  b: string
  by_hand: boolean
  holds: boolean
  probability: number
  at: string | null
  weights: Weight[]
}
export interface HistoryLine {
  decision: string
  kind: 'link' | 'apart' | 'split' | 'undo' | 'claim' | 'release' | 'later' | 'propose' | 'fill'
  a: string
  b: string
  members: string[]
  target: string
  who: string
  why: string
  at: string | null
  undone: boolean
  without_effect: boolean
}
export interface Task {
  number: number
  kind: 'doubt' | 'lent_id' | 'twins' | 'join' | 'contradiction' | 'changed'
  a: string
  b: string
  probability: number
  weights: Weight[]
  state: 'open' | 'done' | 'gone'
  opened_at: string | null
  closed_at: string | null
  later_until: string | null
  claimed_by: string
  claimed_at: string | null
  proposal: string
  proposed_by: string
}
/** Who said something. */
export interface Told {
  patient: string
  source: string
  source_name: string
  at: string | null
}
/** What is held true of a person, why, and what others say. */
export interface Golden {
  field: string
  value: string
  because: string
  from: Told[]
  others: { value: string; from: Told[] }[]
}
export interface PersonUnion {
  id: string
  golden?: Golden[]
  records: PatientSide[]
  links: Evidence[]
  history: HistoryLine[]
  tasks: Task[]
}
export interface IndexState {
  people: number
  records: number
  open: number
  filling: boolean
  behind: number
  four_eyes: boolean
  error: string
}
export interface QueuePage {
  total: number
  tasks: { task: Task; a: PatientSide; b: PatientSide }[]
  next: number | null
  state: IndexState
}
export interface TaskPage {
  task: Task
  persons: PersonUnion[]
}
export interface Figures {
  state: IndexState
  sources: { source: string; name: string; records: number; linked: number; with_id: number; duplicates: number }[]
  ages: { from_age: number; records: number; with_id: number }[]
  reviewers: { who: string; decided: number; claimed: number }[]
  open: { kind: Task['kind']; count: number }[]
  open_under_a_day: number
  open_under_a_week: number
  open_older: number
  oldest_at: string | null
}
/** Somebody found by what any of the records says. */
export interface FoundPerson {
  id: string
  patient: PatientSide
  matched: string
  records: number
}
export type Step = 'link' | 'apart' | 'later' | 'claim' | 'release'

const root = '/api/v1/persons'
export const queue = (asked: { kind?: string; state?: string; reviewer?: string; age?: string; before?: number; count?: number }, signal?: AbortSignal): Promise<QueuePage> => call<QueuePage>(`${root}/queue`, { query: { ...asked, before: asked.before ? String(asked.before) : undefined, count: asked.count ? String(asked.count) : undefined }, signal })
export const task = (number: number, signal?: AbortSignal): Promise<TaskPage> => call<TaskPage>(`${root}/queue/${number}`, { signal })
export const answer = (number: number, step: Step, why = ''): Promise<TaskPage> => call<TaskPage>(`${root}/queue/${number}/${step}`, { method: 'POST', json: { why } })
export const person = (id: string, signal?: AbortSignal): Promise<PersonUnion> => call<PersonUnion>(`${root}/${encodeURIComponent(id)}`, { signal })
export const find = (q: string, signal?: AbortSignal): Promise<{ persons: FoundPerson[] }> => call<{ persons: FoundPerson[] }>(root, { query: { q }, signal })
export const split = (members: string[], why: string): Promise<PersonUnion> => call<PersonUnion>(`${root}/split`, { method: 'POST', json: { members: members.join(' '), why } })
export const merge = (a: string, b: string, why: string): Promise<PersonUnion> => call<PersonUnion>(`${root}/merge`, { method: 'POST', json: { a, b, why } })
export const undo = (decision: string, show: string): Promise<PersonUnion> => call<PersonUnion>(`${root}/undo`, { method: 'POST', json: { decision, show, why: '' } })
export const figures = (signal?: AbortSignal): Promise<Figures> => call<Figures>(`${root}/statistics`, { signal })

/** Patients themselves, for what the index does not tell. */
export const patient = (id: string, signal?: AbortSignal): Promise<Patient> => call<Patient>(`/fhir/Patient/${encodeURIComponent(id)}`, { signal })
/** Versions of one, newest first; deletions left out. */
export async function versions(id: string, signal?: AbortSignal): Promise<Patient[]> {
  const bundle = await call<Bundle<Patient>>(`/fhir/Patient/${encodeURIComponent(id)}/_history`, { query: { _count: 50 }, signal })
  return (bundle.entry ?? []).flatMap((one) => (one.resource?.resourceType === 'Patient' ? [one.resource] : []))
}
/** What these Patients are called. */
export async function names_of(ids: string[], signal?: AbortSignal): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for (let at = 0; at < ids.length && at < 200; at += 50) {
    const bundle = await call<Bundle<Patient>>('/fhir/Patient', { query: { _id: ids.slice(at, at + 50).join(','), _elements: 'name', _count: 50, _total: 'none' }, signal })
    for (const one of bundle.entry ?? []) if (one.resource?.id) names.set(one.resource.id, name_text(one.resource.name))
  }
  return names
}
