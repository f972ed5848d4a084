// SPDX-License-Identifier: Apache-2.0
// Errors stand at their cells, whatever shape the rows come in.
import { describe, expect, it } from 'vitest'
import { arranged, column_in } from './preview'

describe('a preview', () => {
  it('puts each error at its cell, and the others at their row', () => {
    const found = arranged({
      columns: [{ header: 'Name', column: 'name' }, { header: 'Born', column: 'born' }, { header: 'Colour', column: '' }],
      rows: [
        { number: 2, values: { name: 'A', born: '1979-02-28' }, resources: [{ resourceType: 'Patient' }, { type: 'Encounter' }] },
        { number: 3, values: ['B', null], error: { where: 'row 3, column Born', what: 'is no date' } },
        { number: 4, values: null, error: [{ where: 'row 4', what: 'is too short' }, { where: 'Patient.name', what: 'is required' }] },
      ],
    })
    expect(found.columns.map((one) => one.column)).toEqual(['name', 'born'])
    expect(found.lines[0]).toEqual({ number: 2, cells: [{ text: 'A', errors: [] }, { text: '1979-02-28', errors: [] }], errors: [], resources: ['Patient', 'Encounter'] })
    expect(found.lines[1]?.cells[1]).toEqual({ text: '', errors: ['is no date'] })
    expect(found.lines[2]?.errors).toEqual(['is too short', 'Patient.name: is required'])
    expect(found.good).toBe(1)
  })
  it('finds the column that a place names', () => {
    expect(['row 12, column Born', 'row 3, column "a b": x', 'column x, row 1', 'row 7', ''].map(column_in)).toEqual(['Born', 'a b', 'x', '', ''])
    expect(arranged({ columns: ['a'], rows: [{ number: 1, values: { a: 5 } }] }).lines[0]?.cells[0]?.text).toBe('5')
  })
})
