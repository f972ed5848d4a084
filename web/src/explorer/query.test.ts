// SPDX-License-Identifier: Apache-2.0
// Searches between address bar, form and FHIR URL.
import { describe, expect, it } from 'vitest'
import type { CapabilityStatement } from 'fhir/r4'
import { searches_of, type ParameterKind } from './capabilities'
import { address_of, complaint_of, condition_of, modifiers_of, pair_of, pairs_of, pairs_of_link, query_of, read_address, type Condition } from './query'

const kinds: Record<string, ParameterKind> = { name: 'string', birthdate: 'date', 'value-quantity': 'quantity', gender: 'token', subject: 'reference', probability: 'number' }
const kind_of = (name: string): ParameterKind | null => kinds[name] ?? null
const condition = (parameter: string, value: string, more: Partial<Condition> = {}): Condition => ({ parameter, modifier: '', prefix: 'eq', value, unit: '', ...more })

describe('pairs', () => {
  it('keep repeated names through the router', () => {
    const pairs = [['date', 'ge2020'], ['code', 'a|b'], ['date', 'lt2021']] as const
    expect(query_of(pairs)).toEqual({ date: ['ge2020', 'lt2021'], code: 'a|b' })
    expect(pairs_of({ date: ['ge2020', 'lt2021', null], code: 'a|b', x: undefined })).toEqual([['date', 'ge2020'], ['date', 'lt2021'], ['code', 'a|b']])
  })
  it('make an address that can be read', () => {
    expect(address_of('Observation', [['code', 'http://loinc.org|8302-2'], ['name:exact', 'a b&c=d']])).toBe('/fhir/Observation?code=http://loinc.org|8302-2&name:exact=a%20b%26c%3Dd')
    expect(address_of('Patient', [])).toBe('/fhir/Patient')
  })
  it('are read from what someone pastes', () => {
    expect(read_address('GET https://example.org:8080/fhir/Patient?name=wang&birthdate=ge1950', 'X')).toEqual({ type: 'Patient', pairs: [['name', 'wang'], ['birthdate', 'ge1950']] })
    expect(read_address('/fhir/Patient', 'X')).toEqual({ type: 'Patient', pairs: [] })
    expect(read_address('Patient?_id=1', 'X')?.type).toBe('Patient')
    expect(read_address('?code=5', 'Condition')).toEqual({ type: 'Condition', pairs: [['code', '5']] })
    expect(read_address('code=http://loinc.org|1', 'Observation')).toEqual({ type: 'Observation', pairs: [['code', 'http://loinc.org|1']] })
    expect(read_address('nonsense', 'Patient')).toBeNull()
  })
  it('come from the link to the next page', () => {
    expect(pairs_of_link('/fhir/Patient?name=%E7%8E%8B&_page=ab%3D')).toEqual([['name', '王'], ['_page', 'ab=']])
    expect(pairs_of_link(null)).toBeNull()
  })
})

describe('a condition', () => {
  it('goes to the server and comes back the same', () => {
    for (const one of [condition('birthdate', '1950', { prefix: 'ge' }), condition('name', 'wang', { modifier: 'exact' }), condition('value-quantity', '5.4', { prefix: 'gt', unit: 'mmol/L' }), condition('gender', 'true', { modifier: 'missing' }), condition('subject', 'Patient/7'), condition('probability', '-0.5')]) {
      expect(condition_of(pair_of(one, kinds[one.parameter] ?? 'string'), kind_of)).toEqual(one)
    }
  })
  it('is left to the query box when the form can’t hold it', () => {
    for (const pair of [['subject.name', 'x'], ['_has:Observation:subject:code', 'x'], ['birthdate', 'ge1950,1970'], ['value-quantity', '5|http://unitsofmeasure.org|mg'], ['unknown', 'x'], ['name:below', 'x']] as const) expect([pair[0], condition_of(pair, kind_of)]).toEqual([pair[0], null])
  })
  it('is checked before it is sent', () => {
    expect(complaint_of(condition('birthdate', '2026-11-22'), 'date')).toBeNull()
    expect(complaint_of(condition('birthdate', '2026/11'), 'date')).toBe('date')
    expect(complaint_of(condition('value-quantity', '5,4'), 'quantity')).toBe('number')
    expect(complaint_of(condition('name', '  '), 'string')).toBe('empty')
    expect(complaint_of(condition('birthdate', 'true', { modifier: 'missing' }), 'date')).toBeNull()
  })
  it('offers only the modifiers that the kind has', () => {
    expect(modifiers_of('string')).toEqual(['', 'exact', 'contains', 'missing'])
    expect(modifiers_of('date')).toEqual(['', 'missing'])
  })
})

describe('the capabilities', () => {
  it('list own parameters first and those of every resource last', () => {
    const statement = { resourceType: 'CapabilityStatement', rest: [{ mode: 'server', searchParam: [{ name: '_id', type: 'token' }, { name: '_type', type: 'special' }], resource: [{ type: 'Patient', searchParam: [{ name: '_tag', type: 'token' }, { name: 'name', type: 'string', documentation: 'A name' }, { name: 'birthdate', type: 'odd' }] }] }] }
    expect(searches_of(statement as unknown as CapabilityStatement).get('Patient')?.parameters.map((one) => [one.name, one.kind, one.about])).toEqual([['birthdate', 'special', ''], ['name', 'string', 'A name'], ['_id', 'token', ''], ['_tag', 'token', '']])
  })
})
