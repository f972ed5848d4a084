// SPDX-License-Identifier: Apache-2.0
// The raw text of an HL7 v2 message, cut at its own delimiters, so that each field can be pointed at.
import type { Field, Segment } from '../client/intake'

export interface RawPiece {
  text: string
  /** PID-5; '' for what stands between fields. */
  place: string
}
export interface RawLine {
  name: string
  pieces: RawPiece[]
}

const named = /^[A-Z][A-Z0-9]{2}$/

/** How text that isn't segments is shown: by lines. */
export function shape_of(raw: string): 'segments' | 'xml' | 'json' | 'lines' {
  const begin = raw.replace(/^\ufeff/, '').trimStart()
  if (/^(?:MSH|FHS|BHS)./.test(begin)) return 'segments'
  if (begin.startsWith('<')) return 'xml'
  return /^[{[]/.test(begin) ? 'json' : 'lines'
}

export function raw_lines(raw: string): RawLine[] {
  const lines = raw.replace(/[\x0b\x1c]/g, '').split(/\r\n|\r|\n/)
  while (lines.length && lines.at(-1) === '') lines.pop()
  const separator = /^\ufeff?\s*(?:MSH|FHS|BHS)(.)/.exec(raw)?.[1] ?? '|'
  return lines.map((line) => pieces_of_line(line, separator))
}

function pieces_of_line(line: string, separator: string): RawLine {
  const [name = '', ...fields] = line.split(separator)
  if (!named.test(name)) return { name: '', pieces: [{ text: line, place: '' }] }
  // In a header the separator itself is the first field.
  const first = /^(?:MSH|FHS|BHS)$/.test(name) ? 2 : 1
  const pieces: RawPiece[] = [{ text: name, place: name }]
  for (const [at, text] of fields.entries()) pieces.push({ text: separator, place: '' }, { text, place: `${name}-${at + first}` })
  return { name, pieces: pieces.filter((piece) => piece.text !== '') }
}

/** "OBX[2]-5" is OBX-5 of its segment. */
export const bare_place = (place: string): string => place.replace(/^([A-Z][A-Z0-9]{2})[[(]\d+[\])]/, '$1')

/** What is known of a place of the nth segment: the field itself and its components. */
export function fields_at(segments: readonly Segment[], nth: number, place: string): Field[] {
  return (segments[nth]?.fields ?? []).filter((field) => {
    const own = bare_place(field.place)
    return own === place || own.startsWith(`${place}.`) || own.startsWith(`${place}[`) || own.startsWith(`${place}(`)
  })
}

/** The text of a message: bytes that are no UTF-8 come packed, and are read in the encoding that was found. */
export function readable(raw: string | null | undefined, is_base64: boolean, encoding: string): string {
  if (!raw || !is_base64) return raw ?? ''
  const bytes = Uint8Array.from(atob(raw), (letter) => letter.charCodeAt(0))
  try {
    return new TextDecoder(/^gb/i.test(encoding) ? 'gb18030' : encoding || 'gb18030').decode(bytes)
  } catch {
    return new TextDecoder('gb18030').decode(bytes)
  }
}

/** Places an error or a note names: "PID-7", "OBX[2]-5.1" and "OBX-5" are about OBX-5. */
export function place_of(where: string): { segment: string; field: string; occurrence: number } | null {
  const match = /\b([A-Z][A-Z0-9]{2})(?:[[(](\d+)[\])])?(?:-(\d+))?/.exec(where)
  if (!match) return null
  return { segment: match[1] ?? '', field: match[3] ? `${match[1]}-${match[3]}` : '', occurrence: Number(match[2] ?? 0) }
}

/** Is this piece of this line what `where` is about? `nth`: which segment of its name it is, from 1. */
export function is_about(where: string, line: RawLine, nth: number, place: string): boolean {
  const at = place_of(where)
  if (!at || at.segment !== line.name) return false
  if (at.occurrence > 0 && at.occurrence !== nth) return false
  return at.field ? at.field === place : place === line.name
}
