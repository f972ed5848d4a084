// SPDX-License-Identifier: Apache-2.0
// Terminology: systems and their editions, concepts found and opened, value sets, maps.
import type { Parameters, ValueSet } from 'fhir/r4'
import { call } from './call'

export interface CodeSystemInfo {
  url: string
  name: string
  title: string
  title_en?: string | null
  version: string
  versions: string[]
  count: number
  hierarchical: boolean
  languages: string[]
  source: string
  in_force_from: string | null
  in_force_to: string | null
  /** What one must know before relying on it. */
  note?: string | null
}
export interface ValueSetInfo {
  url: string
  name: string
  title: string
  title_en?: string | null
  version: string
  count: number | null
}
export interface MapInfo {
  url: string
  title: string
  source: string
  target: string
  count: number
}
export type ConceptMatch = 'code' | 'text' | 'pinyin' | 'initials'
export interface Concept {
  code: string
  display: string
  display_en: string | null
  pinyin: string | null
  children: number
  parents: string[]
  active: boolean
  matched?: ConceptMatch | null
}
export interface ConceptsPage {
  total: number
  took_ms: number
  concepts: Concept[]
}
export interface ConceptDetail {
  system: string
  version: string
  code: string
  display: string
  definition?: string | null
  active?: boolean
  /** False of chapters and categories, which are not written into records. */
  selectable?: boolean
  designations: { language: string; use: string; value: string }[]
  properties: { code: string; value: string }[]
  parents: { code: string; display: string }[]
  children: number
  maps: { map: string; target_system: string; target_code: string; display: string; equivalence: string }[]
}

const root = '/api/v1/terminology'

export const code_systems = async (signal?: AbortSignal): Promise<CodeSystemInfo[]> => (await call<{ systems: CodeSystemInfo[] }>(`${root}/systems`, { signal })).systems
export const value_sets = async (signal?: AbortSignal): Promise<ValueSetInfo[]> => (await call<{ value_sets: ValueSetInfo[] }>(`${root}/value-sets`, { signal })).value_sets
export const maps = async (signal?: AbortSignal): Promise<MapInfo[]> => (await call<{ maps: MapInfo[] }>(`${root}/maps`, { signal })).maps

export interface ConceptQuestion {
  system: string
  version?: string
  /** Text, code, pinyin or initials; with it `parent` means nothing. */
  q?: string
  /** The code of the parent; '' for the roots. */
  parent?: string
  offset?: number
  count?: number
}
export function concepts(question: ConceptQuestion, signal?: AbortSignal): Promise<ConceptsPage> {
  const { system, version, q, parent = '', offset = 0, count = 50 } = question
  const pairs = new URLSearchParams({ system, ...(version ? { version } : {}), ...(q ? { q } : { parent }), offset: String(offset), count: String(count) })
  return call<ConceptsPage>(`${root}/concepts?${pairs.toString()}`, { signal })
}

export const concept = (system: string, version: string, code: string, signal?: AbortSignal): Promise<ConceptDetail> => call<ConceptDetail>(`${root}/concepts/${encodeURIComponent(code)}`, { query: { system, version }, signal })

export function expand(url: string, question: { filter?: string; offset: number; count: number; language: string }, signal?: AbortSignal): Promise<ValueSet> {
  return call<ValueSet>('/fhir/ValueSet/$expand', { query: { url, filter: question.filter, offset: question.offset, count: question.count, displayLanguage: question.language }, signal })
}

export const translate = (question: { url?: string; system?: string; code: string; target?: string }, signal?: AbortSignal): Promise<Parameters> =>
  call<Parameters>('/fhir/ConceptMap/$translate', { query: { url: question.url, system: question.system, code: question.code, targetsystem: question.target }, signal })

/** Brings a later edition in, as CSV. */
export const import_edition = (edition: { system: string; version: string; from: string; to: string }, csv: string): Promise<{ system: string; version: string; count: number }> =>
  call(`${root}/editions`, { method: 'POST', query: edition, body: csv, headers: { 'Content-Type': 'text/csv' } })
