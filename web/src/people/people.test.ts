// SPDX-License-Identifier: Apache-2.0
// The list of people: age bands, FHIR queries, rows from resources, the recently opened.
import type { Patient } from 'fhir/r4'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { age_on } from '../parts/format'
import { age_bands, as_age_band, born_within } from './ages'
import { covered, fhir_query, name_text, row_of } from './from_fhir'
import { forget_people, recent_ids, recent_people, remember_person } from './recent'

describe('an age band', () => {
  it('holds exactly the ages it names', () => {
    const day = '2024-02-29'
    for (const band of age_bands) {
      const [low, high] = band === '65+' ? [65, 999] : (band.split('-').map(Number) as [number, number])
      const { from, to } = born_within(band, day)
      for (let at = Date.UTC(1900, 0, 1); at < Date.UTC(2024, 1, 29); at += 86_400_000 * 13) {
        const birth = new Date(at).toISOString().slice(0, 10)
        const age = age_on(birth, day)
        const years = age === null ? -1 : age.unit === 'years' ? age.value : age.unit === 'months' ? Math.floor(age.value / 12) : 0
        expect([band, birth, (from === null || birth >= from) && birth <= to]).toEqual([band, birth, years >= low && years <= high])
      }
    }
  })
  it('is nothing for other words', () => {
    expect(as_age_band('65+')).toBe('65+')
    expect(as_age_band('old')).toBe('')
  })
})

describe('the FHIR query', () => {
  const query = (q: string): URLSearchParams => new URLSearchParams(fhir_query({ q, sex: 'female', age: '65+' }, '2026-11-22', 50).split('?')[1])
  it('asks by name, identifier or birth date', () => {
    expect(query('王 桂').getAll('name:contains')).toEqual(['王', '桂'])
    expect(query('0428').get('identifier')).toBe('0428')
    expect(query('1959-03-12').getAll('birthdate')).toEqual(['1959-03-12', 'le1961-11-22'])
    expect(query('').get('gender')).toBe('female')
  })
})

describe('a row', () => {
  const patient: Patient = { resourceType: 'Patient', id: '7', gender: 'female', birthDate: '1959-03-12', name: [{ family: '王', given: ['桂', '兰'] }], identifier: [{ value: '219901195903120428' }], telecom: [{ system: 'phone', value: '13804315207' }], address: [{ line: ['3 组'], city: '杨树村' }] }
  it('covers identifiers and phones', () => {
    expect(row_of(patient)).toMatchObject({ name: '王桂兰', identifier: '2199**********0428', phone: '138****5207', address: '3 组 杨树村', deceased: false })
    expect(covered('12345')).toBe('***45')
    expect(covered('')).toBe('')
  })
  it('writes names in the order of their script', () => {
    expect(name_text([{ family: 'Hoeger', given: ['Hallie', 'A.'] }])).toBe('Hallie A. Hoeger')
    expect(name_text([{ use: 'maiden', family: 'X' }, { use: 'official', text: 'Only Text' }])).toBe('Only Text')
    expect(name_text(undefined)).toBe('')
  })
})

describe('the recently opened', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    forget_people()
  })
  it('keeps ids only in the browser, newest first, eight at most', async () => {
    for (let i = 0; i < 10; i++) remember_person({ id: `p${i}`, name: `Secret ${i}`, sex: 'male', birth_date: '1960-01-01', deceased: false })
    remember_person({ id: 'p5', name: 'Secret 5', sex: 'male', birth_date: '1960-01-01', deceased: false })
    expect(recent_ids()).toEqual(['p5', 'p9', 'p8', 'p7', 'p6', 'p4', 'p3', 'p2'])
    expect(JSON.stringify({ ...sessionStorage }) + JSON.stringify({ ...localStorage })).not.toContain('Secret')
    expect((await recent_people()).map((person) => person.name)[0]).toBe('Secret 5')
  })
  it('drops records that can no longer be read', async () => {
    sessionStorage.setItem('xinglin.recent', '["gone"]')
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{}', { status: 404, headers: { 'Content-Type': 'application/json' } })))
    expect(await recent_people()).toEqual([])
  })
  it('survives what others wrote into the storage', () => {
    sessionStorage.setItem('xinglin.recent', '{"a":1}')
    expect(recent_ids()).toEqual([])
    sessionStorage.setItem('xinglin.recent', '[1,')
    expect(recent_ids()).toEqual([])
  })
})
