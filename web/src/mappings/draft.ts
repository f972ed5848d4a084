// SPDX-License-Identifier: Apache-2.0
// A mapping being written: which column of a file is what, where that goes in FHIR, what its codes mean.
export interface MappingColumn {
  headers?: string[]
  kind?: string
  required?: boolean
  codes?: string
  [other: string]: unknown
}
export interface CodeTable {
  system?: string
  terminology?: string
  unknown?: string
  values?: Record<string, string | { code: string; display?: string; system?: string }>
  [other: string]: unknown
}
export interface Mapping {
  mapping: string
  version?: string
  title?: string
  title_en?: string
  description?: string
  columns: Record<string, MappingColumn>
  codes?: Record<string, CodeTable>
  resources: { name: string; type: string; set?: Record<string, unknown>; [other: string]: unknown }[]
  [other: string]: unknown
}

const is_object = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The text as a mapping that this page can work with; null when it is none. What else is wrong, the server says. */
export function mapping_of(text: string): Mapping | null {
  try {
    const value: unknown = JSON.parse(text)
    return is_object(value) && is_object(value['columns']) && Array.isArray(value['resources']) && value['resources'].every(is_object) ? (value as unknown as Mapping) : null
  } catch {
    return null
  }
}
export const text_of = (mapping: Mapping): string => `${JSON.stringify(mapping, null, 1)}\n`

/** Headers are compared without blanks, case and full-width forms. */
export const folded = (header: string): string => header.normalize('NFKC').replace(/\s+/g, '').toLowerCase()

export interface Target {
  name: string
  kind: string
  required: boolean
  /** Patient.birthDate, Encounter.period.start */
  goes: string[]
  /** What it is usually called. */
  headers: string[]
}
function columns_in(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') for (const match of value.matchAll(/(?:^|\{)\$?([A-Za-z_][\w-]*)/g)) found.add(match[1] ?? '')
  else if (Array.isArray(value)) for (const item of value) columns_in(item, found)
  else if (is_object(value)) for (const item of Object.values(value)) columns_in(item, found)
}
export function targets_of(mapping: Mapping): Target[] {
  const goes = new Map<string, Set<string>>()
  for (const resource of mapping.resources) {
    for (const [path, value] of Object.entries(resource.set ?? {})) {
      const found = new Set<string>()
      columns_in(value, found)
      for (const name of found) if (name in mapping.columns) goes.set(name, (goes.get(name) ?? new Set()).add(`${resource.type}.${path.replace(/\[\d+\]/g, '')}`))
    }
  }
  return Object.entries(mapping.columns).map(([name, column]) => ({ name, kind: column.kind ?? 'text', required: column.required === true, goes: [...(goes.get(name) ?? [])], headers: column.headers ?? [] }))
}

/** The columns of the mapping that take this header. */
export const taken_as = (mapping: Mapping, header: string): string[] => Object.entries(mapping.columns).filter(([, column]) => (column.headers ?? []).some((one) => folded(one) === folded(header))).map(([name]) => name)

/** The header is this column from now on and no other; '' is none. */
export function assigned(mapping: Mapping, header: string, target: string): Mapping {
  const columns: Record<string, MappingColumn> = {}
  for (const [name, column] of Object.entries(mapping.columns)) {
    const others = (column.headers ?? []).filter((one) => folded(one) !== folded(header))
    columns[name] = name === target ? { ...column, headers: [header, ...others] } : others.length === (column.headers ?? []).length ? column : { ...column, headers: others }
  }
  return { ...mapping, columns }
}

export interface CodeRow {
  text: string
  code: string
  display: string
  /** In the sample; those that nothing knows come first. */
  seen: number
}
export function code_rows(table: CodeTable | undefined, samples: readonly string[]): CodeRow[] {
  const seen = new Map<string, number>()
  for (const sample of samples) if (sample.trim()) seen.set(sample.trim(), (seen.get(sample.trim()) ?? 0) + 1)
  const rows: CodeRow[] = []
  const known = new Set<string>()
  for (const [text, value] of Object.entries(table?.values ?? {})) {
    known.add(folded(text))
    rows.push({ text, code: typeof value === 'string' ? value : value.code, display: typeof value === 'string' ? '' : (value.display ?? ''), seen: [...seen].reduce((sum, [one, count]) => sum + (folded(one) === folded(text) ? count : 0), 0) })
  }
  for (const [text, count] of seen) if (!known.has(folded(text))) rows.push({ text, code: '', display: '', seen: count })
  return rows.sort((a, b) => Number(a.code !== '') - Number(b.code !== '') || b.seen - a.seen)
}
/** The code of a text in a table; '' takes the text out. */
export function with_code(mapping: Mapping, table: string, text: string, code: string): Mapping {
  const held = mapping.codes?.[table] ?? {}
  const values = { ...(held.values ?? {}) }
  if (code.trim()) {
    const before = values[text]
    values[text] = typeof before === 'object' ? { ...before, code: code.trim() } : code.trim()
  } else delete values[text]
  return { ...mapping, codes: { ...(mapping.codes ?? {}), [table]: { ...held, values } } }
}

export type SaveComplaint = 'name' | 'version' | 'json'
export function complaint_of(text: string): SaveComplaint | null {
  const mapping = mapping_of(text)
  if (!mapping) return 'json'
  if (!/^[a-z0-9_-]{1,64}$/.test(mapping.mapping ?? '')) return 'name'
  return mapping.version ? null : 'version'
}
