// SPDX-License-Identifier: Apache-2.0
// Bulk exports: begun, followed, fetched.
import type { Parameters, ParametersParameter } from 'fhir/r4'
import { call, exchange } from './call'

export type ExportState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
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
}

const job = (id: string): string => `/api/v1/exports/${encodeURIComponent(id)}`

/** An order may name several types in one word. */
export const tidy = (one: Export): Export => ({ ...one, types: one.types.flatMap((type) => type.split(',')).filter(Boolean) })

export const exports_list = async (signal?: AbortSignal): Promise<Export[]> => (await call<{ exports: Export[] }>('/api/v1/exports', { signal })).exports.map(tidy)

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
  if (!order.elements?.length) return void (await call<{ id: string }>('/api/v1/exports', { method: 'POST', json: order }))
  const { path, parameters } = fhir_order(order)
  await exchange<unknown>(path, { method: 'POST', json: parameters, headers: { Prefer: 'respond-async' } })
}

export const cancel_export = (id: string): Promise<void> => call<void>(`${job(id)}/cancel`, { method: 'POST' })

export const remove_export = (id: string): Promise<void> => call<void>(job(id), { method: 'DELETE' })
