// SPDX-License-Identifier: Apache-2.0
// Small readings: concepts, units, decimals, references, axes.
import { describe, expect, it } from 'vitest'
import { linear, round_ticks } from './scale'
import { range_of, side_of } from './series'
import { at_of, concept, decimals_of, measured, target_of, tidy, unit_text } from './values'

describe('a concept', () => {
  it('has the words of the record without SNOMED types and hidden spaces', () => {
    expect(concept({ coding: [{ code: '1', system: 's', display: 'Viral sinusitis (disorder)' }] })).toEqual({ text: 'Viral sinusitis', system: 's', code: '1' })
    expect(tidy('Protein [Mass/\u200bvolume]')).toBe('Protein [Mass/volume]')
    expect(tidy('Td (adult)')).toBe('Td (adult)')
    expect(concept(undefined).text).toBe('')
  })
})

describe('a value', () => {
  it('is a figure with a unit as people write it', () => {
    expect(measured({ code: {}, valueQuantity: { value: 120, unit: 'mm[Hg]' } })).toMatchObject({ value: 120, unit: 'mmHg' })
    expect(['kg/m2', '{score}', 'mL/min/{1.73_m2}', 'Cel', 'ug/uL', undefined].map(unit_text)).toEqual(['kg/m²', '', 'mL/min/1.73 m²', '℃', 'ug/µL', ''])
  })
  it('is words when it is no figure, and keeps comparators', () => {
    expect(measured({ code: {}, valueQuantity: { value: 5, comparator: '<', unit: 'mg' } })).toMatchObject({ value: null, words: { text: '< 5 mg' } })
    expect(measured({ code: {}, valueString: 'trace' }).words.text).toBe('trace')
    expect(measured({ code: {}, valueBoolean: false }).words.text).toBe('false')
    expect(measured({ code: {}, dataAbsentReason: { text: 'refused' } }).words.text).toBe('refused')
  })
  it('is written with the decimals it is read with, never more than recorded', () => {
    expect(decimals_of([152, 146], 'mmHg')).toBe(0)
    expect(decimals_of([152.4], 'mmHg')).toBe(0)
    expect(decimals_of([165.81719625], 'cm')).toBe(1)
    expect(decimals_of([7.62, 7.4], '%')).toBe(1)
    expect(decimals_of([1.234567], 'mg/dL')).toBe(2)
    expect(decimals_of([3, 4], 'mg/dL')).toBe(0)
    expect(decimals_of([], 'mg/dL')).toBe(0)
  })
})

describe('where a value lies', () => {
  const range = range_of([{ low: { value: 3.9 }, high: { value: 6.1 } }])
  it('is said by the laboratory, else by its range, with both ends inside', () => {
    expect(side_of(7, range, '')).toBe('high')
    expect(side_of(3.9, range, '')).toBe('inside')
    expect(side_of(6.1, range, '')).toBe('inside')
    expect(side_of(3.8, range, '')).toBe('low')
    expect(side_of(5, range, 'HH')).toBe('high')
    expect(side_of(7, null, '')).toBe('unknown')
    expect(side_of(7, range_of([{ text: 'see report' }]), '')).toBe('unknown')
  })
})

describe('dates and references', () => {
  it('take what FHIR allows', () => {
    expect(at_of('1959')).toBe(Date.UTC(1959, 0, 1))
    expect(at_of('1959-03')).toBe(Date.UTC(1959, 2, 1))
    expect(at_of('yesterday')).toBeNull()
    expect(target_of({ reference: 'http://a/fhir/Patient/7/_history/3' })).toBe('Patient/7')
    expect(target_of({ reference: '#inside' })).toBe('')
    expect(target_of({ reference: 'urn:uuid:1' })).toBe('')
    expect(target_of(undefined)).toBe('')
  })
})

describe('an axis', () => {
  it('has round ticks that enclose the figures', () => {
    for (const [low, high] of [[80, 152], [7.4, 7.8], [0, 0], [5, 5], [-2.5, 0.1], [1e6, 3e6], [0.001, 0.002]] as const) {
      const ticks = round_ticks(low, high)
      expect(ticks[0]).toBeLessThanOrEqual(low)
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(high)
      expect(ticks.length).toBeLessThanOrEqual(7)
      expect(ticks.length).toBeGreaterThanOrEqual(2)
    }
    expect(round_ticks(Infinity, -Infinity)).toEqual([0, 1])
  })
  it('maps ends to ends, and a flat line to the middle', () => {
    expect(linear([0, 10], [100, 0])(0)).toBe(100)
    expect(linear([0, 10], [100, 0])(10)).toBe(0)
    expect(linear([5, 5], [100, 0])(5)).toBe(50)
  })
})
