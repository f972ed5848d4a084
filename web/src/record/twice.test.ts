// SPDX-License-Identifier: Apache-2.0
import type { Encounter, FhirResource, Immunization, Observation } from 'fhir/r4'
import { describe, expect, it } from 'vitest'
import { life_of } from './life'
import { papers_of } from './papers'
import { series_of } from './series'
import { moment_key } from './twice'
import { vaccines_of } from './vaccines'

const from = (source: string): { source: string } => ({ source: `urn:xinglin:source:${source}#1` })
const glucose = (id: string, patient: string, source: string, value: number, at: string, more: Partial<Observation> = {}): Observation => ({
  resourceType: 'Observation', id, status: 'final', meta: from(source), code: { text: '葡萄糖', coding: [{ code: '2345-7' }] }, subject: { reference: `Patient/${patient}` }, effectiveDateTime: at, valueQuantity: { value, unit: 'mmol/L' }, ...more,
})
const shot = (id: string, patient: string, source: string, at: string, more: Partial<Immunization> = {}): Immunization => ({
  resourceType: 'Immunization', id, status: 'completed', meta: from(source), vaccineCode: { text: '流感疫苗' }, patient: { reference: `Patient/${patient}` }, occurrenceDateTime: at, ...more,
})
const visit = (id: string, patient: string, source: string, number: string): Encounter => ({
  resourceType: 'Encounter', id, status: 'finished', meta: from(source), class: { code: 'AMB' }, subject: { reference: `Patient/${patient}` }, period: { start: '2026-03-01T08:00:00+08:00' }, identifier: [{ system: 'urn:hospital:visit', value: number }],
})
const keys = (all: { key: string }[]): string[] => all.map((one) => one.key).sort()

describe('facts told twice', () => {
  it('shows a result that hospital and laboratory both sent once, with both behind it', () => {
    const life = life_of([glucose('o1', 'a', 'his', 5.6, '2026-03-01T08:30:00+08:00'), glucose('o2', 'b', 'lis', 5.6, '2026-03-01T00:30:20Z', { note: [{ text: '复查' }] })])
    expect(keys(life.happened)).toEqual(['Observation/o2'])
    expect(life.also.get('Observation/o2')?.map((one) => one.id)).toEqual(['o1'])
    expect(series_of(life)[0]?.points).toHaveLength(1)
  })
  it('keeps results that differ in value, unit, moment or code, and what one source says twice', () => {
    const at = '2026-03-01T08:30:00+08:00'
    const all: FhirResource[] = [
      glucose('o1', 'a', 'his', 5.6, at),
      glucose('o2', 'b', 'lis', 5.7, at),
      glucose('o3', 'b', 'lis', 5.6, '2026-03-01T08:31:00+08:00'),
      glucose('o4', 'b', 'lis', 5.6, at, { valueQuantity: { value: 5.6, unit: 'mg/dL' } }),
      glucose('o5', 'b', 'lis', 5.6, at, { code: { text: '糖化' } }),
      glucose('o6', 'a', 'his', 5.6, at),
    ]
    expect(life_of(all).happened).toHaveLength(6)
  })
  it('takes an identifier both give for the same order, whatever else they say', () => {
    const order = { identifier: [{ system: 'urn:lab:order', value: '77' }] }
    const life = life_of([glucose('o1', 'a', 'his', 5.6, '2026-03-01', order), glucose('o2', 'b', 'lis', 5.61, '2026-03-02', order)])
    expect(life.happened).toHaveLength(1)
  })
  it('knows a vaccination of one day as one, unless lot or dose differ', () => {
    const same = life_of([shot('v1', 'a', 'clinic', '2025-10-01', { lotNumber: 'L1' }), shot('v2', 'b', 'register', '2025-10-01')])
    expect(vaccines_of(same)[0]?.doses.map((dose) => dose.lot)).toEqual(['L1'])
    const other = life_of([shot('v1', 'a', 'clinic', '2025-10-01', { lotNumber: 'L1' }), shot('v2', 'b', 'register', '2025-10-01', { lotNumber: 'L2' })])
    expect(vaccines_of(other)[0]?.doses).toHaveLength(2)
  })
  it('takes three tellers together, but never two things of one teller', () => {
    const life = life_of(['his', 'lis', 'center', 'lis'].map((source, i) => glucose(`o${i}`, source, source, 5.6, '2026-03-01T08:30:00Z')))
    expect(life.happened).toHaveLength(2)
    expect([...life.also.values()].map((all) => all.length)).toEqual([2])
  })
  it('makes one visit of two, and what happened in either happened in it', () => {
    const life = life_of([
      visit('e1', 'a', 'his', 'V9'),
      { ...visit('e2', 'b', 'documents', 'V9'), reasonCode: [{ text: '咳嗽' }] },
      glucose('o1', 'a', 'his', 5.6, '2026-03-01T08:30:00Z', { encounter: { reference: 'Encounter/e1' } }),
      glucose('o2', 'b', 'documents', 9.9, '2026-03-01T08:40:00Z', { encounter: { reference: 'Encounter/e2' } }),
    ])
    expect(keys(life.contacts)).toEqual(['Encounter/e2'])
    expect(life.contacts[0]?.happened).toHaveLength(2)
    expect(life.by_key.get('Encounter/e1')?.id).toBe('e2')
  })
  it('leads references to a result left out to the one shown', () => {
    const life = life_of([
      glucose('o1', 'a', 'his', 5.6, '2026-03-01T08:30:00Z'),
      glucose('o2', 'b', 'lis', 5.6, '2026-03-01T08:30:00Z', { note: [{ text: 'fuller' }] }),
      { resourceType: 'DiagnosticReport', id: 'r', status: 'final', code: { text: '生化' }, subject: { reference: 'Patient/a' }, effectiveDateTime: '2026-03-01', result: [{ reference: 'Observation/o1' }] },
    ])
    expect(papers_of(life)[0]?.results.map((one) => one.key)).toEqual(['Observation/o2'])
  })
  it('compares moments to the minute and days as days', () => {
    expect(moment_key('2026-03-01T08:30:59+08:00')).toBe('2026-03-01T00:30')
    expect(moment_key('2026-03-01')).toBe('2026-03-01')
    expect(moment_key('2026-03-01T99:00')).toBe('')
  })
})
