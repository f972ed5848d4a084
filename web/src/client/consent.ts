// SPDX-License-Identifier: Apache-2.0
// What a resident decided about the own record, who acts for whom, emergencies, and why a record is open. Fields are named as on the wire.
import { call, CallError } from './call'

export interface Words {
  zh: string
  en: string
}
export interface Choice extends Words {
  id: string
}
export interface Choices {
  categories: (Choice & { hint_zh: string; hint_en: string })[]
  relations: (Choice & { minors_only: boolean; consent: boolean; document: boolean; months: number })[]
  always_visible: Words[]
  emergency_reasons: Choice[]
  emergency_minutes: number
  request_months: number
}
export interface Decision {
  id: string
  patient: string
  patient_name?: string
  kind: 'decision' | 'proxy' | 'request' | 'other'
  state: 'active' | 'ended' | 'waiting' | 'accepted' | 'declined' | 'over'
  permit: boolean
  institution: string
  practitioner: string
  holder: string
  holder_name?: string
  name?: string
  categories: string[]
  whole: boolean
  relation: string
  from: string
  until: string
  reason: string
  recorded_by: string
  document: string
  witness: string
  by_resident: boolean
  decided_at: string
  changed_at: string
}
export interface EmergencyLine {
  id: string
  patient: string
  patient_name: string
  account: string
  display: string
  role: string
  institution: string
  reason_code: string
  reason: string
  at: string
  until: string
  due: string
  state: 'open' | 'overdue' | 'reviewed'
  finding: string
  reviewer: string
  note: string
  reviewed_at: string | null
}
export interface Ward {
  patient: string
  name: string
  relation: string
  until: string
  withheld: string[]
}
export interface MyConsent {
  patient: string
  name: string
  decisions: Decision[]
  emergencies: EmergencyLine[]
  held: Decision[]
  wards: Ward[]
  now: string
}
export interface PersonConsent {
  patient: string
  name: string
  decisions: Decision[]
  held: Decision[]
  emergencies: EmergencyLine[]
}
export interface Place {
  kind: 'institution' | 'practitioner'
  id: string
  name: string
}
export interface Wish {
  permit: 'yes' | 'no'
  institution?: string
  practitioner?: string
  categories?: string
  from?: string
  until?: string
}
export interface MaskedPerson {
  patient: string
  name: string
  sex: string
  birth_year: string
}
/** Why this record is open, or is not. */
export interface Why {
  allowed: boolean
  rule: string
  why: Words
  until?: string | null
  emergency_possible?: boolean
}

type Fields = Record<string, string>
const post = <T>(path: string, json: Fields): Promise<T> => call<T>(`/api/v1/${path}`, { method: 'POST', json })
const sent = (wish: Wish): Fields => ({ permit: wish.permit, institution: wish.institution ?? '', practitioner: wish.practitioner ?? '', categories: wish.categories ?? '', from: wish.from ?? '', until: wish.until ?? '' })
const at = encodeURIComponent

export const choices = (signal?: AbortSignal): Promise<Choices> => call<Choices>('/api/v1/consent/choices', { signal })
export const my_consent = (ward: string, signal?: AbortSignal): Promise<MyConsent> => call<MyConsent>('/api/v1/consent/mine', { query: { ward }, signal })
export const decide = (wish: Wish, ward: string): Promise<Decision> => post('consent/mine', { ...sent(wish), ward })
export const reopen = (ward: string): Promise<{ ended: number }> => post('consent/mine/reopen', { ward })
export const step_mine = (id: string, step: 'end' | 'accept' | 'decline', ward: string): Promise<Decision> => post(`consent/mine/${at(id)}/${step}`, { why: '', ward })
export const apply_proxy = (asked: { side: 'for' | 'to'; relation: string; name: string; number: string }): Promise<Decision> => post('consent/mine/proxy', { ...asked, until: '' })
export const find_places = async (q: string, signal?: AbortSignal): Promise<Place[]> => (await call<{ places: Place[] }>('/api/v1/consent/mine/places', { query: { q }, signal })).places

export const consent_of = (patient: string, signal?: AbortSignal): Promise<PersonConsent> => call<PersonConsent>(`/api/v1/consent/person/${at(patient)}`, { signal })
export const record_paper = (patient: string, wish: Wish, document: string, witness: string): Promise<Decision> => post(`consent/person/${at(patient)}`, { ...sent(wish), document, witness })
export const step_person = (patient: string, id: string, step: 'end' | 'confirm', document: string, agreed: boolean): Promise<Decision> => post(`consent/person/${at(patient)}/${at(id)}/${step}`, { document, witness: '', agreed: agreed ? 'yes' : 'no', why: '' })
export const ask_access = (patient: string, reason: string, months: string): Promise<Decision> => post('consent/requests', { patient, reason, months })

export const masked_person = (patient: string, signal?: AbortSignal): Promise<MaskedPerson> => call<MaskedPerson>(`/api/v1/emergency/person/${at(patient)}`, { signal })
export const open_emergency = (patient: string, reason_code: string, reason: string): Promise<EmergencyLine> => post('emergency', { patient, reason_code, reason })
export const emergency_reviews = async (state: string, signal?: AbortSignal): Promise<EmergencyLine[]> => (await call<{ reviews: EmergencyLine[] }>('/api/v1/emergency/reviews', { query: { state }, signal })).reviews
export const review_emergency = (id: string, finding: string, note: string): Promise<EmergencyLine> => post(`emergency/${at(id)}/reviewed`, { finding, note })

/** Nothing where the server does not say. */
export async function why_open(patient: string, signal?: AbortSignal): Promise<Why | null> {
  try {
    return await call<Why>('/api/v1/policy/decision', { query: { patient }, signal })
  } catch (failure) {
    if (failure instanceof CallError && (failure.kind === 'missing' || failure.kind === 'forbidden' || failure.kind === 'invalid')) return null
    throw failure
  }
}
