// SPDX-License-Identifier: Apache-2.0
// Vaccinations by vaccine, each with its doses.
import type { Immunization } from 'fhir/r4'
import type { Happening, Life } from './life'
import type { Concept } from './values'

export interface DoseGiven {
  key: string
  date: string
  at: number | null
  /** As recorded; null when the record doesn't say. */
  number: string | null
  lot: string
  place: string
  status: string
  contact: string
}

export interface Vaccine {
  what: Concept
  /** Oldest first. */
  doses: DoseGiven[]
}

export function vaccines_of(life: Life): Vaccine[] {
  const groups = new Map<string, Vaccine>()
  for (const one of life.happened) {
    if (one.kind !== 'immunization') continue
    const key = one.what.code || one.what.text || one.key
    const held = groups.get(key) ?? { what: one.what, doses: [] }
    held.doses.unshift(dose_of(one, one.resource as Immunization))
    groups.set(key, held)
  }
  return [...groups.values()].sort((a, b) => (b.doses.at(-1)?.at ?? 0) - (a.doses.at(-1)?.at ?? 0))
}

function dose_of(one: Happening, resource: Immunization): DoseGiven {
  const protocol = resource.protocolApplied?.[0]
  const number = protocol?.doseNumberPositiveInt !== undefined ? String(protocol.doseNumberPositiveInt) : (protocol?.doseNumberString ?? null)
  return { key: one.key, date: one.date, at: one.at, number, lot: resource.lotNumber ?? '', place: one.place.name, status: one.status, contact: one.contact }
}
