// SPDX-License-Identifier: Apache-2.0
// Bulk exports: begun, followed, fetched.
import type { Parameters, ParametersParameter } from 'fhir/r4'
import { call, exchange } from './call'

export type ExportState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled' | 'asked'
export type ExportLevel = 'system' | 'patient' | 'group'

export interface ExportOutput {
  /** A resource type, or "deleted". */
  type: string
  url: string
  count: number
  bytes: number
}
export interface Export {
  id: string
  state: ExportState
  level: ExportLevel
  group?: string
  types: string[]
  since: string | null
  type_filter?: string[]
  position: number
  resources: number
  resources_total: number | null
  bytes: number
  files: number
  started_at: string | null
  finished_at: string | null
  per_second: number
  by: string
  error: string | null
  /** What a release is for. */
  release?: string
  approved_by?: string
  /** Only when asked for one. */
  outputs?: ExportOutput[]
}
export interface ExportOrder {
  level: ExportLevel
  group?: string
  types: string[]
  since?: string
  type_filter?: string[]
  /** Only these elements and the required ones: Patient.birthDate, or id for all types. */
  elements?: string[]
  /** De-identified so that everybody hides among others: what it is for. Another person approves it. */
  release?: string
}
/** What may be done with releases here. */
export interface ReleaseRights {
  may_ask: boolean
  may_approve: boolean
}
interface Words {
  zh: string
  en: string
}
interface ReleaseFigures {
  persons: number
  suppressed: number
  classes: number
  smallest_class: number
  persons_below_k: number
  least_distinct: number
  most_t: number
  information_lost: number
  prosecutor: { highest: number; average: number; share_above: number }
  journalist: { highest: number; average: number; share_above: number }
  marketer: number
}
export interface ReleaseReport {
  release: string
  made_at: string
  k: number
  l: number
  reached: boolean
  quasi: { name: string; title: Words; level: number; of: number; told_as: Words }[]
  before: ReleaseFigures
  after: ReleaseFigures
  limits: Words[]
}

const job = (id: string): string => `/api/v1/exports/${encodeURIComponent(id)}`

/** An order may name several types in one word. */
export const tidy = (one: Export): Export => ({ ...one, types: one.types.flatMap((type) => type.split(',')).filter(Boolean) })

export interface ExportList extends ReleaseRights {
  exports: Export[]
}
export async function exports_list(signal?: AbortSignal): Promise<ExportList> {
  const found = await call<ExportList>('/api/v1/exports', { signal })
  return { ...found, exports: found.exports.map(tidy) }
}

export const approve_export = (id: string): Promise<void> => call<void>(`${job(id)}/approve`, { method: 'POST' })

export const release_report = (id: string, signal?: AbortSignal): Promise<ReleaseReport> => call<ReleaseReport>(`${job(id)}/report`, { signal })
export const report_page = (id: string): string => `${job(id)}/report.html`

export const export_of = async (id: string, signal?: AbortSignal): Promise<Export> => tidy(await call<Export>(job(id), { signal }))

/** An order as FHIR says it: where it goes, and its parameters. Only there elements can be chosen. */
export function fhir_order(order: ExportOrder): { path: string; parameters: Parameters } {
  const parameter: ParametersParameter[] = []
  if (order.types.length) parameter.push({ name: '_type', valueString: order.types.join(',') })
  if (order.since) parameter.push({ name: '_since', valueInstant: order.since })
  for (const filter of order.type_filter ?? []) parameter.push({ name: '_typeFilter', valueString: filter })
  if (order.elements?.length) parameter.push({ name: '_elements', valueString: order.elements.join(',') })
  const whose = order.level === 'system' ? '' : order.level === 'patient' ? '/Patient' : `/Group/${encodeURIComponent(order.group ?? '')}`
  return { path: `/fhir${whose}/$export`, parameters: { resourceType: 'Parameters', parameter } }
}

export async function begin_export(order: ExportOrder): Promise<void> {
  if (order.release || !order.elements?.length) return void (await call<{ id: string }>('/api/v1/exports', { method: 'POST', json: order }))
  const { path, parameters } = fhir_order(order)
  await exchange<unknown>(path, { method: 'POST', json: parameters, headers: { Prefer: 'respond-async' } })
}

export const cancel_export = (id: string): Promise<void> => call<void>(`${job(id)}/cancel`, { method: 'POST' })

export const remove_export = (id: string): Promise<void> => call<void>(job(id), { method: 'DELETE' })
