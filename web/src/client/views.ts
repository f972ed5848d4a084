// SPDX-License-Identifier: Apache-2.0
// Views: tables that the server keeps in step with the record, and definitions tried before they are kept.
import { call } from './call'

export interface ViewState {
  name: string
  title: string
  resource: string
  origin: 'built in' | 'saved'
  state: 'ready' | 'building' | 'failed'
  materialized: boolean
  rows: number
  columns: number
  position: number
  lag_positions: number
  lag_ms: number
  bytes: number
  built_at: string | null
  error: string | null
}

export interface ViewColumn {
  name: string
  type: string
  description?: string
}
export type Cell = string | number | boolean | null | readonly unknown[] | Record<string, unknown>

export interface RunResult {
  columns: ViewColumn[]
  rows: Cell[][]
  took_ms: number
  resources_read: number
  /** There are more rows than were asked for. */
  truncated: boolean
}
export interface RowsPage {
  columns: ViewColumn[]
  rows: Cell[][]
  next: string | null
  total: number | null
}

export interface ElementType {
  name: string
  kind: 'primitive' | 'complex' | 'resource' | 'backbone'
  targets: string[]
}
export interface Element {
  name: string
  min: number
  /** Null is any number. */
  max: number | null
  choice: boolean
  types: ElementType[]
}

const view = (name: string): string => `/api/v1/views/${encodeURIComponent(name)}`

export const views = async (signal?: AbortSignal): Promise<ViewState[]> => (await call<{ views: ViewState[] }>('/api/v1/views', { signal })).views

export const view_of = (name: string, signal?: AbortSignal): Promise<ViewState & { definition: Record<string, unknown> }> => call(view(name), { signal })

export const run_view = (definition: unknown, count: number, signal?: AbortSignal): Promise<RunResult> => call<RunResult>('/api/v1/views/run', { method: 'POST', json: { view: definition, count }, signal })

export const save_view = (name: string, definition: unknown): Promise<ViewState> => call<ViewState>(view(name), { method: 'PUT', json: definition })

export const delete_view = (name: string): Promise<void> => call<void>(view(name), { method: 'DELETE' })

export const rebuild_view = (name: string): Promise<void> => call<void>(`${view(name)}/rebuild`, { method: 'POST' })

export const view_rows = (name: string, after: string, count: number, signal?: AbortSignal): Promise<RowsPage> => call<RowsPage>(`${view(name)}/rows`, { query: { count, after }, signal })

/** Every row of a definition, as the file someone downloads. */
export function run_as_file(definition: unknown, format: 'csv' | 'ndjson'): Promise<string> {
  const parameter = [{ name: 'viewResource', resource: definition }, { name: '_format', valueCode: format }, { name: 'header', valueBoolean: true }]
  return call<string>('/fhir/ViewDefinition/$viewdefinition-run', { method: 'POST', json: { resourceType: 'Parameters', parameter }, headers: { Accept: format === 'csv' ? 'text/csv' : 'application/x-ndjson' }, raw: true })
}

const asked = new Map<string, Promise<Element[]>>()

/** Elements of a type, a data type or a part of one ("Patient.contact"); asked once a visit. */
export function elements_of(type: string): Promise<Element[]> {
  let found = asked.get(type)
  if (!found) {
    found = call<{ elements: Element[] }>(`/api/v1/types/${encodeURIComponent(type)}/elements`).then((answer) => answer.elements)
    asked.set(type, found)
    found.catch(() => asked.delete(type))
  }
  return found
}
