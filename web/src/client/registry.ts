// SPDX-License-Identifier: Apache-2.0
// The registries: entries looked up and changed, tables with a preview, what was changed and its undo. Fields are named as on the wire.
import { call, upload, with_query } from './call'

export const kinds = ['institution', 'department', 'alliance', 'area', 'site', 'ward', 'bed', 'practitioner', 'role', 'affiliation', 'service', 'device', 'consumable', 'drug'] as const
export type Kind = (typeof kinds)[number]
export const sheets = ['organizations', 'departments', 'places', 'beds', 'staff', 'devices', 'consumables', 'drugs'] as const
export type Sheet = (typeof sheets)[number]

export interface Named {
  reference: string
  name: string | null
}
export interface Entry {
  reference: string
  kind: Kind
  name: string
  matched?: string
  codes: { system: string; value: string }[]
  class?: string
  class_name?: string
  parent?: Named
  organization?: Named
  practitioner?: Named
  area?: string
  address?: string
  detail?: string
  state: 'active' | 'inactive' | 'suspended'
  bed_state?: string
  registered: boolean
  source?: string
  version: number
  from?: string
  to?: string
  position?: [number, number]
}
export interface Listed {
  total: number
  entries: Entry[]
  totals: Record<Kind, number>
  position: number
  trouble: string
}
export interface Counts {
  parts: number
  institutions: number
  departments: number
  staff: number
  beds: number
  devices: number
}
export interface TreeNode {
  entry: Entry
  counts: Counts
}
export interface Dated {
  text?: string
  value?: string
  system?: string
  from?: string
  to?: string
  current: boolean
}
export interface Shown {
  entry: Entry
  names: Dated[]
  codes: Dated[]
  events: { kind: string; day: string; target?: Named; note?: string }[]
  above: Named[]
  counts: Counts
  beds: Record<string, number>
  phone: string
  successor?: Named
  related: Partial<Record<Kind, Entry[]>>
}
export interface RegistryQuestion {
  class?: string
  q?: string
  kind?: string
  state?: string
  at?: string
  area?: string
  within?: string
  count?: number
  skip?: number
  lang?: string
}
export interface Command {
  what: 'rename' | 'close' | 'reopen' | 'merge' | 'move' | 'recode' | 'bed_state' | 'area' | 'class' | 'period' | 'map' | 'join' | 'register'
  entries: string[]
  targets?: string[]
  value?: string
  system?: string
  day?: string
  note?: string
}
export interface Revised {
  id: string
  what: 'import' | 'change' | 'undo'
  said: string
  of?: string
  who: string
  at: string
  entries: number
  undone_by?: string
}
export interface PreviewRow {
  row: number
  state: 'added' | 'changed' | 'unchanged' | 'wrong'
  reference: string
  code: string
  name: string
  changes: { column: string; before: string; after: string }[]
  reasons: { column: string; why: string }[]
}
export interface Preview {
  sheet: Sheet
  added: number
  changed: number
  unchanged: number
  wrong: number
  writes: number
  rows: PreviewRow[]
  ignored: string[]
  basis: string
}
export interface Trouble {
  kind: string
  entry: Named
  other: Named
}

export interface Twin {
  keep: Entry
  other: Entry
  probability: number
  agrees: string[]
}
export interface Seen {
  count: number
  first?: string
  last?: string
  example?: string
}
export type Why = 'same_code' | 'same_name' | 'same_id' | 'other_code' | 'several' | 'elsewhere' | 'alike'
export interface Stray {
  entry: Entry
  suggestion?: Entry
  why?: Why
  seen: Seen
}
export interface StrayList {
  total: number
  sources: { source: string; name: string; organization?: Named; count: number }[]
  strays: Stray[]
  counted: boolean
}
export interface Nowhere {
  source: string
  name: string
  from: string
  to: string
  targets: number
  missing: string
  seen: Seen
}

const root = '/api/v1/registry'
export const entries = (question: RegistryQuestion, signal?: AbortSignal): Promise<Listed> => call<Listed>(root, { query: { ...question }, signal })
export const below = (reference: string, by: string, at: string, lang: string, signal?: AbortSignal): Promise<{ nodes: TreeNode[] }> => call(`${root}/tree`, { query: { below: reference, by, at, lang }, signal })
export const entry = (type: string, id: string, lang: string, signal?: AbortSignal): Promise<Shown> => call<Shown>(`${root}/entries/${encodeURIComponent(type)}/${encodeURIComponent(id)}`, { query: { lang }, signal })
export const change = (command: Command): Promise<{ id: string; entries: number }> => call(`${root}/changes`, { method: 'POST', json: command })
export const revisions = async (signal?: AbortSignal): Promise<Revised[]> => (await call<{ revisions: Revised[] }>(`${root}/revisions`, { signal })).revisions
export const undo = (id: string): Promise<{ id: string; entries: number }> => call(`${root}/revisions/${encodeURIComponent(id)}/undo`, { method: 'POST' })
export const troubles = async (signal?: AbortSignal): Promise<Trouble[]> => (await call<{ troubles: Trouble[] }>(`${root}/troubles`, { signal })).troubles
export const preview = (sheet: Sheet, file: File, lang: string): Promise<Preview> => upload<Preview>(with_query(`${root}/import`, { sheet, name: file.name, lang }), file, () => {})
export const apply = (sheet: Sheet, file: File, basis: string): Promise<{ id: string; added: number; changed: number; wrong: number }> => upload(with_query(`${root}/import`, { sheet, name: file.name, apply: basis }), file, () => {})
export const export_address = (sheet: Sheet, lang: string): string => with_query(`${root}/export`, { sheet, lang })
export const template_address = (sheet: Sheet, lang: string): string => with_query(`${root}/template`, { sheet, lang })
export const duplicates = async (kind: 'institution' | 'practitioner', lang: string, signal?: AbortSignal): Promise<Twin[]> => (await call<{ duplicates: Twin[] }>(`${root}/duplicates`, { query: { kind, lang }, signal })).duplicates
export const strays = (question: { source: string; count?: number; lang: string }, signal?: AbortSignal): Promise<StrayList> => call(`${root}/strays`, { query: question, signal })
export const nowhere = (signal?: AbortSignal): Promise<{ nowhere: Nowhere[]; left_out: number; counted: boolean }> => call(`${root}/nowhere`, { signal })

/** What a hand scanner read, taken apart. */
export interface Scanned {
  scheme: 'gs1' | 'gtin' | 'trace' | 'plain'
  product?: string
  lot?: string
  serial?: string
  made?: string
  expires?: string
  expired: boolean
  total: number
  found: Entry[]
}
export const scan = (code: string, lang: string, signal?: AbortSignal): Promise<Scanned> => call(`${root}/scan`, { query: { code, lang }, signal })
export type Shape = { type: 'Polygon'; coordinates: [number, number][][] } | { type: 'MultiPolygon'; coordinates: [number, number][][][] }
export const areas = async (at: string, signal?: AbortSignal): Promise<{ entry: Entry; parent?: Named; boundary?: Shape }[]> => (await call<{ areas: { entry: Entry; parent?: Named; boundary?: Shape }[] }>(`${root}/areas`, { query: { at }, signal })).areas
