// SPDX-License-Identifier: Apache-2.0
// What the server made of a sample, arranged for the page: cells by column, each error at its cell.
import type { Preview, PreviewError } from '../client/mappings'
import { folded } from './draft'

export interface Cell {
  text: string
  errors: string[]
}
export interface Line {
  number: number
  cells: Cell[]
  /** Of the row as a whole. */
  errors: string[]
  resources: string[]
}
export interface Arranged {
  columns: { header: string; column: string }[]
  lines: Line[]
  good: number
}

/** "row 12, column Born: …" is about the column Born. */
export function column_in(where: string): string {
  const match = /column\s+"?([^",:]+)"?/i.exec(where)
  return (match?.[1] ?? '').trim()
}
const plain = (value: unknown): string => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value))

export function arranged(preview: Preview): Arranged {
  const columns = preview.columns.map((one) => (typeof one === 'string' ? { header: one, column: one } : { header: one.header ?? one.column, column: one.column }))
  const named = columns.filter((one) => one.column !== '')
  const lines = preview.rows.map((row): Line => {
    const errors: PreviewError[] = row.error ? (Array.isArray(row.error) ? row.error : [row.error]) : []
    const cells = named.map((one, at): Cell => ({ text: plain(Array.isArray(row.values) ? row.values[at] : (row.values?.[one.column] ?? row.values?.[one.header])), errors: [] }))
    const whole: string[] = []
    for (const error of errors) {
      const name = folded(column_in(error.where))
      const at = name ? named.findIndex((one) => folded(one.header) === name || folded(one.column) === name) : -1
      const cell = cells[at]
      if (cell) cell.errors.push(error.what)
      else whole.push(error.where && !/^row \d+$/.test(error.where) ? `${error.where}: ${error.what}` : error.what)
    }
    const types = (row.resources ?? []).map((one) => (typeof one === 'string' ? one : plain((one as { resourceType?: unknown } | null)?.resourceType ?? (one as { type?: unknown } | null)?.type))).filter(Boolean)
    return { number: row.number, cells, errors: whole, resources: types }
  })
  return { columns: named, lines, good: preview.rows.filter((row) => !row.error || (Array.isArray(row.error) && row.error.length === 0)).length }
}
