// SPDX-License-Identifier: Apache-2.0
// What may be ordered, how far a job is, what messages change.
import { describe, expect, it } from 'vitest'
import type { Export } from '../client/exports'
import { fhir_order } from '../client/exports'
import { complaint_of, empty_draft, file_name, merged, order_of, share_done, status_of, told_of } from './jobs'

const job = (more: Partial<Export>): Export => ({ id: '1', state: 'running', level: 'system', types: [], since: null, position: 1, resources: 50, resources_total: 200, bytes: 1, files: 1, started_at: null, finished_at: null, per_second: 0, by: 'a', error: null, ...more })
const draft = (more: Partial<ReturnType<typeof empty_draft>>): ReturnType<typeof empty_draft> => ({ ...empty_draft(), ...more })

describe('an order', () => {
  it('says what is missing before it is sent', () => {
    const said = (more: Partial<ReturnType<typeof empty_draft>>): string | null => complaint_of(draft(more), '2026-11-22')
    expect(said({})).toBeNull()
    expect(said({ level: 'group' })).toBe('group')
    expect(said({ level: 'group', group: 'village-7' })).toBeNull()
    expect(said({ since: '2026-11-23' })).toBe('since')
    expect(said({ filters: 'status=final' })).toBe('filter')
    expect(said({ filters: 'Observation?status=final', types: ['Patient'] })).toBe('filter_type')
    expect(said({ elements: 'Patient.name.family' })).toBe('element')
    expect(said({ elements: 'Patient.birthDate', types: ['Observation'] })).toBe('element_type')
    expect(said({ elements: 'id, Patient.birthDate\nObservation.value' })).toBeNull()
    expect(said({ filters: '\n Observation?status=final \n', types: ['Observation'] })).toBeNull()
  })
  it('holds what was chosen and nothing else', () => {
    expect(order_of(draft({ types: ['Patient', 'Condition'], group: 'left over' }))).toEqual({ level: 'system', types: ['Condition', 'Patient'] })
    expect(order_of(draft({ level: 'group', group: ' g ', since: '2026-11-01', filters: 'A?b=c' }))).toEqual({ level: 'group', types: [], group: 'g', since: new Date('2026-11-01T00:00:00').toISOString(), type_filter: ['A?b=c'] })
    expect(order_of(draft({ elements: 'id,\nPatient.birthDate id' })).elements).toEqual(['id', 'Patient.birthDate'])
  })
  it('with elements is said as FHIR says it', () => {
    const order = order_of(draft({ level: 'group', group: 'village-7', types: ['Patient'], filters: 'Patient?gender=male', elements: 'Patient.birthDate' }))
    expect(fhir_order(order)).toEqual({
      path: '/fhir/Group/village-7/$export',
      parameters: { resourceType: 'Parameters', parameter: [{ name: '_type', valueString: 'Patient' }, { name: '_typeFilter', valueString: 'Patient?gender=male' }, { name: '_elements', valueString: 'Patient.birthDate' }] },
    })
    expect([fhir_order(order_of(draft({}))).path, fhir_order(order_of(draft({ level: 'patient' }))).path]).toEqual(['/fhir/$export', '/fhir/Patient/$export'])
  })
  it('a release says what it is for', () => {
    expect(order_of(draft({ types: ['Patient'], release: ' asthma study ' }))).toEqual({ level: 'system', types: ['Patient'], release: 'asthma study' })
    expect(status_of(job({ state: 'asked' }))).toBe('warning')
  })
})

describe('a job', () => {
  it('knows how far it is, or says that it does not', () => {
    expect(share_done(job({}))).toBe(0.25)
    expect(share_done(job({ resources_total: null }))).toBeNull()
    expect(share_done(job({ state: 'done', resources_total: 0 }))).toBe(1)
    expect([status_of(job({})), status_of(job({ state: 'failed' })), status_of(job({ state: 'waiting' }))]).toEqual(['info', 'critical', 'quiet'])
  })
  it('is changed by messages, keeps its files, and is not woken by late ones', () => {
    const files = [{ type: 'Patient', url: '/a/b.gz', count: 1, bytes: 1 }]
    expect(merged([job({ outputs: files })], job({ resources: 90 }))[0]).toMatchObject({ resources: 90, outputs: files })
    expect(merged([job({})], job({ id: '2' })).map((one) => one.id)).toEqual(['2', '1'])
    expect(merged([job({ state: 'done' })], job({}))[0]?.state).toBe('done')
  })
  it('is not made of nonsense', () => {
    expect(told_of('nonsense')).toBeNull()
    expect(told_of('{"id":1}')).toBeNull()
    expect(told_of(JSON.stringify(job({ types: ['Patient,Condition', 'Observation'] })))?.types).toEqual(['Patient', 'Condition', 'Observation'])
    expect(file_name('/fhir/bulk/1/Patient.1.ndjson.gz')).toBe('Patient.1.ndjson.gz')
  })
})
