// SPDX-License-Identifier: Apache-2.0
// What the server answers beside FHIR, under /auth and /api/v1. Fields are named as on the wire.

export type Role = 'administrator' | 'clinician' | 'epidemiologist' | 'planner' | 'operator' | 'auditor' | 'resident' | 'system' | 'institution-administrator'
export type Sex = 'male' | 'female' | 'other' | 'unknown'

export interface User {
  name: string
  display: string
  role: Role
  /** Of a resident: the Patient whose record is theirs. */
  patient?: string
  /** Where one works (Organization), for whose residents (the beginning of a division code), and who one is (Practitioner). */
  institution?: string
  area?: string
  practitioner?: string
  must_change_password: boolean
  /** A second factor first: nothing else is open. */
  must_enrol?: boolean
}

export interface Session {
  user: User
  csrf: string
}

/** Why a person was found. */
export type Matched = 'name' | 'pinyin' | 'initials' | 'identifier' | 'phone' | 'birth_date'

export interface PersonRow {
  id: string
  name: string
  /** Toned, for reading ("Wáng Guìlán"); empty for names without Chinese characters. */
  pinyin: string
  sex: Sex
  birth_date: string
  deceased: boolean
  address: string
  /** Masked. */
  identifier: string
  /** Masked. */
  phone: string
  matched?: Matched
  /** There is such a person, whose record is closed to this account; the rest is empty then. */
  closed?: boolean
}

export interface PeoplePage {
  /** Exact, or null when counting would have cost more than finding. */
  total: number | null
  took_ms: number
  population: number
  people: PersonRow[]
  next: string | null
}

export interface MaskedIdentifier {
  /** The Patient that has it, for opening it. */
  patient?: string
  index: number
  type: string
  system: string
  masked: string
}

export interface Allergy {
  id: string
  text: string
  criticality: string
  recorded: string
}

export interface Problem {
  id: string
  text: string
  since: string
  active: boolean
}

export interface Teller {
  patient: string
  source: string
  source_name: string
  at: string
}
/** A value that is held true of a person, who told it, and what else was told. */
export interface Golden {
  field: string
  value: string
  because: 'only' | 'verified' | 'kinds' | 'frequent' | 'newest' | 'fullest' | 'first'
  from: Teller[]
  others: { value: string; from: Teller[] }[]
}

export interface Relative {
  id: string
  relation: string
  /** Of v3-RoleCode: MTH, CHILD …; '' when only words are known. */
  code: string
  name: string
  masked: string
  phone: string
  /** The Patient that is this relative, when the record knows one by the number. */
  person: string
}

/** The header of a lifelong record. */
export interface PersonHeader {
  id: string
  /** Of the person index; '' where there is none. */
  enterprise_id?: string
  golden?: Golden[]
  ethnicity?: string
  relatives?: Relative[]
  /** The Patients that are this person, the one asked for first. */
  records?: { id: string; source: string; source_name: string; updated: string }[]
  name: string
  pinyin: string
  sex: Sex
  birth_date: string
  deceased: boolean
  /** Date or instant of death, when it is known. */
  deceased_at?: string
  identifiers: MaskedIdentifier[]
  phones: { patient?: string; index: number; masked: string }[]
  /** Covered below the town. */
  address: string
  /** The Patient it opens at; '' when it is no single one's. */
  address_of: string
  language: string
  marital: string
  counts: Record<string, number>
  first_date: string | null
  last_date: string | null
  allergies: Allergy[]
  problems: Problem[]
}

export interface Access {
  at: string
  who: string
  role: string
  what: string
  purpose: string
  row: number
  display: string
  institution: string
  type: string
  authorisation: string
  reason: string
  status: number
}

export interface TypeCount {
  type: string
  count: number
  last_updated: string | null
}

export interface SystemCheck {
  name: string
  status: 'good' | 'warning' | 'critical'
  detail: string
}

export interface SystemState {
  version: string
  built: string
  started_at: string
  uptime_s: number
  store: string
  data_bytes: number
  wal_bytes: number
  disk_free_bytes: number
  memory_bytes: number
  resources: number
  versions: number
  feed_position: number
  writes_per_s: number
  reads_per_s: number
  requests_total: number
  p50_ms: number
  p99_ms: number
  queue: number
  checks: SystemCheck[]
  history: { at: string; writes_per_s: number; reads_per_s: number }[]
  /* what an older server doesn't tell */
  limited_total?: number
  latency?: Latency[]
  views?: ViewLag[]
  storage?: TypeStorage[]
  tables?: { name: string; bytes: number }[]
  backups?: Backup[]
  processes?: ServerProcess[]
}

export interface Latency {
  kind: string
  count: number
  p50_ms: number
  p90_ms: number
  p99_ms: number
  max_ms: number
}
export interface ViewLag {
  name: string
  lag_positions: number
  lag_ms: number
  rows: number
}
export interface TypeStorage {
  type: string
  resources: number
  versions: number
  bytes: number
}
export interface Backup {
  at: string
  folder: string
  bytes: number
  kind: 'full' | 'differential'
  seconds: number
  verified: boolean
}
export interface ServerProcess {
  name: string
  started_at: string
  last_seen_at: string
}

export type ImportState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

export interface Import {
  id: string
  name: string
  state: ImportState
  read: number
  stored: number
  unchanged: number
  rejected: number
  bytes: number
  bytes_done: number
  /** When the file had arrived. */
  created_at?: string | null
  started_at: string | null
  finished_at: string | null
  per_second: number
  error: string | null
  check?: 'structure' | 'profiles'
}
