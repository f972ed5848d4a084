// SPDX-License-Identifier: Apache-2.0
// Data quality: figures by institution, data set and day. Fields are named as on the wire; null: not measured.
import { call, with_query } from './call'

export const measures = ['completeness', 'timeliness', 'validity', 'consistency', 'duplicates'] as const
export type Measure = (typeof measures)[number]
export type Measured = Record<Measure, number | null>

export interface Words {
  'zh-CN': string
  en: string
}
export interface Scores extends Measured {
  score: number | null
  /** Enough resources to judge by. */
  judged: boolean
  volume: number
}
export interface SetScores extends Scores {
  set: string
  name: Words
}
export interface TrendDay {
  day: string
  score: number | null
  volume: number
}
export interface Institution extends Scores {
  /** Of its Organization; source:ID while nobody knows whose it is; - when the data does not say. */
  id: string
  name: string
  /** In the registries; else it waits there to be joined. */
  registered?: boolean
  messages: { received: number; rejected: number; duplicate: number }
  sources: string[]
  sets: SetScores[]
  trend: TrendDay[]
}
export interface Scoring {
  weights: Record<Measure, number>
  good: number
  fair: number
  few: number
  days_to_mend: number
}
export interface MeasuringState {
  edition: number
  building: boolean
  done: number
  behind: number
  measured_at: string | null
  differences: number | null
  error: string
}
export interface Overview {
  from: string
  to: string
  all: Scores & { institutions: number; sets: SetScores[]; trend: TrendDay[] }
  institutions: Institution[]
  scoring: Scoring
  state: MeasuringState
}
export interface Failing {
  set: string
  set_name: Words
  rule: string
  measure: Measure
  name: Words
  mend: Words
  tested: number
  failed: number
  /** Points of the score that it costs. */
  cost: number
  examples?: { type: string; id: string | null; message: string | null }[]
}
export interface OneInstitution {
  from: string
  to: string
  institution: Institution
  failing: Failing[]
  scoring: Scoring
}
export interface QualityQuestion {
  from?: string
  to?: string
  set?: string
}

const root = '/api/v1/quality'
export const overview = (question: QualityQuestion, signal?: AbortSignal): Promise<Overview> => call<Overview>(root, { query: { ...question }, signal })
export const institution = (id: string, question: QualityQuestion, signal?: AbortSignal): Promise<OneInstitution> => call<OneInstitution>(`${root}/institutions/${encodeURIComponent(id)}`, { query: { ...question }, signal })
export const measure_anew = (): Promise<unknown> => call(`${root}/measure`, { method: 'POST' })
export const workbook = (question: QualityQuestion & { organization?: string; lang?: string }): string => with_query(`${root}.xlsx`, { ...question })
export const letter = (organization: string, question: QualityQuestion, lang: string): string => with_query(`${root}/letter`, { organization, from: question.from, to: question.to, lang })
