// SPDX-License-Identifier: Apache-2.0
// Lines of a result list, for types that look nothing like each other.
import type { FhirResource } from 'fhir/r4'
import { describe, expect, it } from 'vitest'
import { row_of } from './columns'

const row = (resource: unknown): ReturnType<typeof row_of> => row_of(resource as FhirResource)

describe('a line', () => {
  it('of an observation says what, how much, of whom, when', () => {
    expect(row({ resourceType: 'Observation', id: '1', status: 'final', meta: { lastUpdated: '2026-11-22T02:00:00Z', versionId: '2' }, code: { coding: [{ code: '8302-2', display: 'Body Height' }] }, subject: { reference: 'Patient/7' }, effectiveDateTime: '2026-11-20', valueQuantity: { value: 170, unit: 'cm' } })).toEqual({
      type: 'Observation', id: '1', what: 'Body Height', code: '8302-2', detail: '170 cm', status: 'final', subject: { text: '', address: 'Patient/7', to: { type: 'Patient', id: '7' } }, date: '2026-11-20', updated: '2026-11-22T02:00:00Z', version: '2', mode: 'match',
    })
  })
  it('of blood pressure has both figures', () => {
    expect(row({ resourceType: 'Observation', component: [{ valueQuantity: { value: 132, unit: 'mm[Hg]' } }, { valueQuantity: { value: 84, unit: 'mm[Hg]' } }] }).detail).toBe('132/84 mm[Hg]')
  })
  it('of people and places has their names', () => {
    expect(row({ resourceType: 'Patient', name: [{ family: '王', given: ['桂兰'] }], gender: 'female', birthDate: '1959-03-12' })).toMatchObject({ what: '王桂兰', detail: 'female', date: '1959-03-12', subject: null })
    expect(row({ resourceType: 'Organization', name: 'North Clinic', active: true })).toMatchObject({ what: 'North Clinic', status: 'active' })
  })
  it('of a condition reads the status from a concept', () => {
    expect(row({ resourceType: 'Condition', clinicalStatus: { coding: [{ code: 'active' }] }, code: { text: 'Hypertension' }, onsetDateTime: '2019' })).toMatchObject({ what: 'Hypertension', status: 'active', date: '2019' })
  })
  it('of an encounter and a claim finds class, period, money', () => {
    expect(row({ resourceType: 'Encounter', class: { code: 'AMB' }, type: [{ text: 'Check up' }], period: { start: '2020-01-02T03:04:05Z' } })).toMatchObject({ what: 'Check up', detail: 'AMB', date: '2020-01-02T03:04:05Z' })
    expect(row({ resourceType: 'Claim', total: { value: 12.5, currency: 'CNY' }, type: { coding: [{ code: 'x' }] } })).toMatchObject({ what: '', code: 'x', detail: '12.5 CNY' })
  })
  it('of something odd does not fail', () => {
    for (const odd of [{ resourceType: 'Basic' }, { resourceType: 'Patient', name: 'text', active: 1 }, { resourceType: 'Observation', code: [], subject: [null], component: [null], valueQuantity: null }]) expect(row(odd).id).toBe('')
  })
})
