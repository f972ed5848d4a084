// SPDX-License-Identifier: Apache-2.0
// A sample file as the page shows it before the server has read it: text in its encoding, rows by its delimiter.

export const largest_sample = 2 * 1024 * 1024

export type SampleComplaint = 'kind' | 'empty' | 'large'
export const kind_of = (name: string): 'csv' | 'xlsx' | null => (/\.(csv|txt|tsv)$/i.test(name) ? 'csv' : /\.xlsx$/i.test(name) ? 'xlsx' : null)
export function complaint_of_sample(file: { name: string; size: number }): SampleComplaint | null {
  if (!kind_of(file.name)) return 'kind'
  if (file.size === 0) return 'empty'
  return file.size > largest_sample ? 'large' : null
}

/** UTF-8 when it is, else GB18030: what spreadsheets in Chinese write. */
export function text_in(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('gb18030').decode(bytes)
  }
}

/** The delimiter that cuts the first lines into the same number of cells, the most of them. */
export function delimiter_of(text: string): string {
  const head = text.split('\n', 12).join('\n')
  let best = ','
  let score = 1
  for (const delimiter of [',', '\t', ';', '|']) {
    const widths = rows_of(head, delimiter, 10).map((row) => row.length)
    const width = widths[0] ?? 0
    const same = widths.filter((one) => one === width).length
    if (width > 1 && width * same > score) [best, score] = [delimiter, width * same]
  }
  return best
}

/** Rows as RFC 4180 has them; a quote that is never closed ends with the text. */
export function rows_of(text: string, delimiter: string, most: number): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let quoted = false
  const end_row = (): void => {
    row.push(cell)
    cell = ''
    if (row.some((one) => one !== '')) rows.push(row)
    row = []
  }
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length && rows.length < most; at++) {
    const letter = text[at] ?? ''
    if (quoted) {
      if (letter !== '"') cell += letter
      else if (text[at + 1] === '"') (cell += '"'), at++
      else quoted = false
    } else if (letter === '"' && cell === '') quoted = true
    else if (letter === delimiter) row.push(cell), (cell = '')
    else if (letter === '\n' || letter === '\r') {
      if (letter === '\r' && text[at + 1] === '\n') at++
      end_row()
    } else cell += letter
  }
  if (rows.length < most && (cell !== '' || row.length)) end_row()
  return rows
}

export interface SampleColumn {
  header: string
  values: string[]
}
/** The columns of a table whose first row are headers. */
export function columns_of(text: string, most = 200): SampleColumn[] {
  const [headers = [], ...rows] = rows_of(text, delimiter_of(text), most + 1)
  return headers.map((header, at) => ({ header: header.trim(), values: rows.map((row) => (row[at] ?? '').trim()) })).filter((column) => column.header !== '')
}

/** A few different values, the first ones. */
export const examples = (values: readonly string[], most = 3): string[] => [...new Set(values.filter(Boolean))].slice(0, most)

export function base64_of(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(text)
}
