// SPDX-License-Identifier: Apache-2.0
// Figures of the person index: sums, shares, and the table that is downloaded.
import type { Figures } from '../client/persons'

export interface Sum {
  records: number
  linked: number
  with_id: number
  duplicates: number
}
const told = (count: number): number => (typeof count === 'number' ? count : 0)
export const sum_of = (figures: Figures | null): Sum =>
  (figures?.sources ?? []).reduce((sum, one) => ({ records: sum.records + told(one.records), linked: sum.linked + told(one.linked), with_id: sum.with_id + told(one.with_id), duplicates: sum.duplicates + told(one.duplicates) }), { records: 0, linked: 0, with_id: 0, duplicates: 0 })
/** 98.7, or null of nothing. Counts that may not be told come as "<5" or "*": of them there is no share, and sums go without them. */
export const share_of = (part: number, of: number): number | null => (typeof part === 'number' && typeof of === 'number' && of > 0 ? Math.round((part / of) * 1000) / 10 : null)
export const share_text = (part: number, of: number): string => {
  const share = share_of(part, of)
  return share === null ? '—' : `${share.toFixed(1)}%`
}

/** One cell of CSV; what a spreadsheet would take for a formula is kept text. */
export function cell(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
/** All figures as one table: section, name, figures; headings in the reader's language. */
export function csv_of(figures: Figures, words: { head: string[]; source: string; age: string; kind: string; reviewer: string; unknown: string; no_source: string; kinds: (kind: string) => string }): string {
  const rows: (string | number)[][] = [words.head]
  for (const one of figures.sources) rows.push([words.source, one.name || one.source || words.no_source, one.records, one.linked, one.with_id, one.duplicates, '', ''])
  for (const one of figures.ages) rows.push([words.age, one.from_age < 0 ? words.unknown : `${one.from_age}–${one.from_age + 9}`, one.records, '', one.with_id, '', '', ''])
  for (const one of figures.open) rows.push([words.kind, words.kinds(one.kind), one.count, '', '', '', '', ''])
  for (const one of figures.reviewers) rows.push([words.reviewer, one.who, '', '', '', '', one.decided, one.claimed])
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n'
}
