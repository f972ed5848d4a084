// SPDX-License-Identifier: Apache-2.0
// Days on the slider, and who someone was on one of them.
import type { FhirResource } from 'fhir/r4'
import { describe, expect, it } from 'vitest'
import type { Timeline } from '../client/people'
import type { PersonHeader } from '../client/types'
import { is_day } from '../parts/calendar'
import { day_on, moment_of, neighbour, person_then, place_on, ticks_of, track_of } from './past'

const timeline: Timeline = { first_at: '2026-02-03T01:00:00Z', last_at: '2026-11-06T01:00:00Z', days: [{ date: '2026-02-03', versions: 100, position: 40 }, { date: '2026-06-15', versions: 9, position: 70 }, { date: '2026-11-06', versions: 2, position: 90 }] }

describe('the slider', () => {
  const track = track_of(timeline, '2026-11-22')
  it('reaches from the first writing to today, over months and years', () => {
    expect(track).toEqual({ first: '2026-02-03', last: '2026-11-22', length: 292 })
    if (!track) throw new Error('a track')
    for (const day of ['2026-02-03', '2026-02-28', '2026-03-01', '2026-11-22']) expect(day_on(track, place_on(track, day))).toBe(day)
    expect([place_on(track, '2020-01-01'), place_on(track, '2030-01-01')]).toEqual([0, 292])
    expect(track_of({ ...timeline, days: [] }, '2026-11-22')).toBeNull()
  })
  it('has a mark for each day with writings', () => {
    if (!track) throw new Error('a track')
    const ticks = ticks_of(timeline, track)
    expect(ticks.map((one) => Math.round(one.at))).toEqual([0, 45, 95])
    expect(ticks[0]?.height).toBe(100)
    expect(ticks_of({ ...timeline, days: timeline.days.slice(0, 1) }, { first: '2026-02-03', last: '2026-02-03', length: 0 })[0]?.at).toBe(100)
  })
  it('steps from writing to writing', () => {
    expect(neighbour(timeline, '2026-07-01', -1)).toBe('2026-06-15')
    expect(neighbour(timeline, '2026-07-01', 1)).toBe('2026-11-06')
    expect(neighbour(timeline, '2026-02-03', -1)).toBeNull()
    expect(neighbour(timeline, '2026-11-06', 1)).toBeNull()
  })
})

describe('a day', () => {
  it('is the state at its end', () => {
    expect(moment_of(timeline, '2026-06-15')).toEqual({ position: 70, written: '2026-06-15', later: 2 })
    expect(moment_of(timeline, '2026-06-14')).toEqual({ position: 40, written: '2026-02-03', later: 11 })
    expect(moment_of(timeline, '2026-02-02')).toBeNull()
  })
  it('is a real one', () => {
    expect(['2026-02-28', '2024-02-29'].every(is_day)).toBe(true)
    expect(['2026-02-30', '2026-2-3', '', undefined, 5, '2026-13-01'].some(is_day)).toBe(false)
  })
})

describe('the person then', () => {
  const now: PersonHeader = { id: 'p', name: '王桂兰', pinyin: 'Wáng Guìlán', sex: 'female', birth_date: '1959-03-12', deceased: true, deceased_at: '2026-10-01', identifiers: [], phones: [], address: 'x', address_of: '', language: '', marital: '', counts: { Observation: 90 }, first_date: null, last_date: null, allergies: [{ id: 'a2', text: '碘', criticality: '', recorded: '' }], problems: [] }
  it('has the name, allergies and counts of then', () => {
    const resources = [{ resourceType: 'Patient', id: 'p', name: [{ family: '王', given: ['桂', '花'] }], gender: 'female' }, { resourceType: 'AllergyIntolerance', id: 'a1', patient: {}, code: { text: '青霉素' } }, { resourceType: 'Condition', id: 'c', subject: {}, code: { text: '高血压' }, clinicalStatus: { coding: [{ code: 'active' }] } }] as FhirResource[]
    const then = person_then(now, resources)
    expect([then.name, then.pinyin, then.deceased, then.deceased_at]).toEqual(['王桂花', '', false, undefined])
    expect(then.counts).toEqual({ Patient: 1, AllergyIntolerance: 1, Condition: 1 })
    expect([then.allergies.map((one) => one.text), then.problems.map((one) => one.active)]).toEqual([['青霉素'], [true]])
    expect(then.address).toBe('x')
  })
})
