// SPDX-License-Identifier: Apache-2.0
// Pieces of a line always make up the line again.
import { describe, expect, it } from 'vitest'
import { pieces_of } from './source'

describe('pieces of a line', () => {
  it('make up the line again', () => {
    for (const [line, kind] of [['  "a\\"b" : "c: d",', 'json'], ['  },', 'json'], ['', 'json'], ['    "text"', 'json'], ['  <name value="a &lt; b=c"/>', 'xml'], ['<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir">', 'xml'], ['plain > words', 'xml']] as const) expect(pieces_of(line, kind).map((piece) => piece.text).join('')).toBe(line)
  })
  it('let names stand out', () => {
    expect(pieces_of('  "status": "final"', 'json').find((piece) => piece.kind === 'name')?.text).toBe('"status"')
    expect(pieces_of('  <status value="final"/>', 'xml').filter((piece) => piece.kind === 'name').map((piece) => piece.text)).toEqual(['status'])
  })
})
