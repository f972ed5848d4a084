// SPDX-License-Identifier: Apache-2.0
// Mappings of tables: what the columns of an institution's file mean.
import { call } from './call'

export interface MappingInfo {
  name: string
  title?: string
  title_en?: string
  version?: string
  description?: string
  /** "built in", or who changed it. */
  origin?: string
}
export interface PreviewError {
  where: string
  what: string
}
export interface PreviewRow {
  number: number
  /** By column of the mapping, or in the order of the columns. */
  values?: Record<string, unknown> | unknown[] | null
  resources?: unknown[] | null
  error?: PreviewError | PreviewError[] | null
}
/** A column of the file and what it was taken for. */
export interface PreviewColumn {
  header: string
  column: string
  samples?: string[]
}
export interface Preview {
  rows: PreviewRow[]
  columns: (PreviewColumn | string)[]
}

const root = '/api/v1/mappings'
const path = (name: string): string => `${root}/${encodeURIComponent(name)}`

export async function mappings(signal?: AbortSignal): Promise<MappingInfo[]> {
  const answer = await call<{ mappings: (MappingInfo | string)[] }>(root, { signal })
  return answer.mappings.map((one) => (typeof one === 'string' ? { name: one } : one))
}
export const mapping_names = async (): Promise<string[]> => (await mappings()).map((one) => one.name)

/** The file of a mapping, as it was written. */
export const mapping_text = (name: string, signal?: AbortSignal): Promise<string> => call<string>(path(name), { raw: true, signal })
export const save_mapping = (name: string, text: string): Promise<unknown> => call(path(name), { method: 'PUT', body: text, headers: { 'Content-Type': 'application/json' } })
export const remove_mapping = (name: string): Promise<void> => call<void>(path(name), { method: 'DELETE' })
export const preview_mapping = (mapping: unknown, sample_base64: string, kind: 'csv' | 'xlsx', signal?: AbortSignal): Promise<Preview> => call<Preview>(`${root}/preview`, { method: 'POST', json: { mapping, sample_base64, kind }, signal })
