// SPDX-License-Identifier: Apache-2.0
// A record on a past day: which position of the feed that is, which day comes before and after, who the person was then.
import type { AllergyIntolerance, Condition, FhirResource, Patient } from 'fhir/r4'
import type { Timeline } from '../client/people'
import type { PersonHeader } from '../client/types'
import { day_of_number, number_of_day } from '../parts/calendar'

export interface Track {
  first: string
  last: string
  /** Days between them, both ends stand on it. */
  length: number
}
/** From the first day something was written to today. */
export function track_of(timeline: Timeline, today: string): Track | null {
  const first = timeline.days[0]?.date
  if (!first) return null
  const last = today > first ? today : first
  return { first, last, length: number_of_day(last) - number_of_day(first) }
}
export const place_on = (track: Track, day: string): number => Math.max(0, Math.min(track.length, number_of_day(day) - number_of_day(track.first)))
export const day_on = (track: Track, place: number): string => day_of_number(number_of_day(track.first) + Math.max(0, Math.min(track.length, Math.round(place))))

export interface Moment {
  /** The state of the feed at the end of that day. */
  position: number
  /** The last day on which something was written, up to then. */
  written: string
  /** What was written after it. */
  later: number
}
/** Null on days before there was anything. */
export function moment_of(timeline: Timeline, day: string): Moment | null {
  const before = timeline.days.filter((one) => one.date <= day).at(-1)
  if (!before) return null
  return { position: before.position, written: before.date, later: timeline.days.filter((one) => one.date > day).reduce((sum, one) => sum + one.versions, 0) }
}

/** The next day with something written, in either direction; null at the end. */
export function neighbour(timeline: Timeline, day: string, direction: -1 | 1): string | null {
  const dates = timeline.days.map((one) => one.date)
  return (direction < 0 ? dates.filter((date) => date < day).at(-1) : dates.find((date) => date > day)) ?? null
}

/** One upright for each day with writes, higher for more; in hundredths of the track and of its height. */
export function ticks_of(timeline: Timeline, track: Track): { at: number; height: number }[] {
  const most = Math.max(1, ...timeline.days.map((one) => one.versions))
  return timeline.days.map((one) => ({ at: track.length ? (100 * place_on(track, one.date)) / track.length : 100, height: 25 + (75 * Math.log(1 + one.versions)) / Math.log(1 + most) }))
}

const coding_words = (concept: { text?: string; coding?: { display?: string; code?: string }[] } | undefined): string => concept?.text || (concept?.coding?.find((one) => one.display)?.display ?? concept?.coding?.[0]?.code ?? '')

/** The header as it was: what the resources of then say; what is covered stays as it is now. */
export function person_then(now: PersonHeader, resources: readonly FhirResource[]): PersonHeader {
  const counts: Record<string, number> = {}
  for (const resource of resources) counts[resource.resourceType] = (counts[resource.resourceType] ?? 0) + 1
  const of = <T extends FhirResource>(type: T['resourceType']): T[] => resources.filter((one): one is T => one.resourceType === type)
  const patients = of<Patient>('Patient')
  const patient = patients.find((one) => one.id === now.id) ?? patients[0]
  const name = patient?.name?.[0]
  const written = name ? name.text || (/\p{Script=Han}/u.test(`${name.family ?? ''}${name.given?.join('') ?? ''}`) ? `${name.family ?? ''}${name.given?.join('') ?? ''}` : [...(name.given ?? []), name.family].filter(Boolean).join(' ')) : ''
  return {
    ...now,
    name: written || now.name,
    pinyin: written && written !== now.name ? '' : now.pinyin,
    sex: patient?.gender ?? now.sex,
    birth_date: patient?.birthDate ?? now.birth_date,
    deceased: patient ? Boolean(patient.deceasedDateTime ?? patient.deceasedBoolean) : now.deceased,
    deceased_at: patient ? patient.deceasedDateTime : now.deceased_at,
    counts,
    allergies: of<AllergyIntolerance>('AllergyIntolerance').map((one) => ({ id: one.id ?? '', text: coding_words(one.code), criticality: one.criticality ?? '', recorded: one.recordedDate ?? '' })),
    problems: of<Condition>('Condition').map((one) => ({ id: one.id ?? '', text: coding_words(one.code), since: one.onsetDateTime ?? one.recordedDate ?? '', active: ['active', 'recurrence', 'relapse'].includes(one.clinicalStatus?.coding?.[0]?.code ?? '') })),
  }
}
