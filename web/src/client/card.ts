// SPDX-License-Identifier: Apache-2.0
// The e-health card: one's own, at the counter, scanned. Fields are named as on the wire.
import { call } from './call'

export interface MyCard {
  number: string
  kind: 'self' | 'family'
  state: 'active' | 'lost' | 'replaced' | 'ended'
  name: string
  relation?: string
  until?: string
  changed_at: string
}
export interface Mine {
  name: string
  cards: MyCard[]
  may_issue: boolean
  lifetime: number
  now: string
}
export interface Shown {
  token: string
  card: string
  kind: 'self' | 'family' | 'paper'
  issued: string
  expires: string
  now: string
}
export interface Card {
  number: string
  patient: string
  state: MyCard['state']
  issued: string
  who: string
  why: string
  replaces: string | null
  replaced_by: string | null
  printed_until: string | null
  changed_at: string
}
export interface Family {
  id: string
  patient: string
  patient_name: string
  holder: string
  holder_name: string
  relation: string
  from: string
  until: string
  in_force: boolean
  state: string
  proof: string
  consent: boolean
  who: string
  changed_at: string
}
export interface Band {
  id: string
  zh: string
  en: string
  from_age: number
  below_age: number
  consent: boolean
  months: number
}
export interface PersonCards {
  patient: string
  name: string
  cards: Card[]
  families: Family[]
  holds: Family[]
  policy: { paper: boolean; paper_days: number; lifetime: number; holder_from_age: number; family: Band[] }
}
export interface ScanAnswer {
  accepted: boolean
  reason: string
  message: string
  message_zh: string
  seconds: number
  clock_ahead: number
  needs_document: boolean
  masked_name?: string
  card?: { number: string; kind: Shown['kind']; state: string }
  person?: { id: string; patient: string; name: string; sex: string; birth_date: string; identifier: string }
}

const post = <T>(path: string, json: Record<string, string> = {}): Promise<T> => call<T>(`/api/v1/card/${path}`, { method: 'POST', json })

export const my_cards = (signal?: AbortSignal): Promise<Mine> => call<Mine>('/api/v1/card/mine', { signal })
export const take_out = (): Promise<Card> => post('mine')
export const show_card = (card: string): Promise<Shown> => post('mine/token', { card })
export const lose_mine = (card: string): Promise<Card> => post('mine/lost', { card, why: '' })

export const cards_of = (id: string, signal?: AbortSignal): Promise<PersonCards> => call<PersonCards>(`/api/v1/card/person/${encodeURIComponent(id)}`, { signal })
export const issue_card = (patient: string): Promise<Card> => post('issue', { patient })
export const change_card = (number: string, step: 'lost' | 'end' | 'reissue', why: string): Promise<Card> => post(`${number}/${step}`, { why })
export const print_card = (number: string): Promise<Shown> => post(`${number}/print`)
export const grant_family = (asked: { patient: string; holder: string; relation: string; proof: string; until: string; consent: string }): Promise<Family> => post('family', asked)
export const end_family = (id: string): Promise<Family> => post(`family/${id}/end`, { why: '' })

export const scan_card = (token: string, place: string, checked = ''): Promise<ScanAnswer> => post('scan', { token, purpose: 'TREAT', place, checked, clock: new Date().toISOString() })
export const published_keys = <T>(): Promise<T> => call<T>('/.well-known/card-keys.json')
export const dead_cards = <T>(): Promise<T> => call<T>('/.well-known/card-revoked.json')
