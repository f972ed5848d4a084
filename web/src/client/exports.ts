// SPDX-License-Identifier: Apache-2.0
// Bulk exports: begun, followed, fetched.
import { call } from './call'

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
}

const job = (id: string): string => `/api/v1/exports/${encodeURIComponent(id)}`

/** An order may name several types in one word. */
export const tidy = (one: Export): Export => ({ ...one, types: one.types.flatMap((type) => type.split(',')).filter(Boolean) })

export const exports_list = async (signal?: AbortSignal): Promise<Export[]> => (await call<{ exports: Export[] }>('/api/v1/exports', { signal })).exports.map(tidy)

export const export_of = async (id: string, signal?: AbortSignal): Promise<Export> => tidy(await call<Export>(job(id), { signal }))

export const begin_export = async (order: ExportOrder): Promise<string> => (await call<{ id: string }>('/api/v1/exports', { method: 'POST', json: order })).id

export const cancel_export = (id: string): Promise<void> => call<void>(`${job(id)}/cancel`, { method: 'POST' })

export const remove_export = (id: string): Promise<void> => call<void>(job(id), { method: 'DELETE' })
