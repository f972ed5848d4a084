// SPDX-License-Identifier: Apache-2.0
// The person index: persons, the queue, decisions. Fields are named as on the wire.
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
export interface PersonUnion {
  id: string
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
export type Step = 'link' | 'apart' | 'later' | 'claim' | 'release'

const root = '/api/v1/persons'
export const queue = (asked: { kind?: string; state?: string; before?: number; count?: number }, signal?: AbortSignal): Promise<QueuePage> => call<QueuePage>(`${root}/queue`, { query: { ...asked, before: asked.before ? String(asked.before) : undefined, count: asked.count ? String(asked.count) : undefined }, signal })
export const task = (number: number, signal?: AbortSignal): Promise<TaskPage> => call<TaskPage>(`${root}/queue/${number}`, { signal })
export const answer = (number: number, step: Step, why = ''): Promise<TaskPage> => call<TaskPage>(`${root}/queue/${number}/${step}`, { method: 'POST', json: { why } })
export const person = (id: string, signal?: AbortSignal): Promise<PersonUnion> => call<PersonUnion>(`${root}/${encodeURIComponent(id)}`, { signal })
export const split = (members: string[], why: string): Promise<PersonUnion> => call<PersonUnion>(`${root}/split`, { method: 'POST', json: { members: members.join(' '), why } })
export const merge = (a: string, b: string, why: string): Promise<PersonUnion> => call<PersonUnion>(`${root}/merge`, { method: 'POST', json: { a, b, why } })
export const undo = (decision: string, show: string): Promise<PersonUnion> => call<PersonUnion>(`${root}/undo`, { method: 'POST', json: { decision, show, why: '' } })
export const figures = (signal?: AbortSignal): Promise<Figures> => call<Figures>(`${root}/statistics`, { signal })
