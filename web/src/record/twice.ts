// SPDX-License-Identifier: Apache-2.0
// Facts that two sources tell: the same order, result, visit or vaccination, recognised and shown once. Pure.
//
// Careful by intent: only what different tellers say can be one fact (one source that says a thing twice means two things), and only when an
// identifier is shared, or everything that makes the fact is equal and nothing both say differs.
import type { FhirResource, Identifier } from 'fhir/r4'
import { origin_of } from './origin'
import { target_of } from './values'

export interface Telling {
  key: string
  /** Who tells it: the source and the Patient it is told of. */
  teller: string
  /** Identifiers; one shared is enough. */
  names: string[]
  /** Everything that makes the fact, in a line; '' when there is too little to tell. */
  fact: string
  /** What may be left out, but not differ: a lot, the number of a dose. */
  marks: Record<string, string>
  /** Of the same fact the fullest telling is shown. */
  weight: number
}

const subject_of = (resource: FhirResource): string => {
  const has = resource as { subject?: { reference?: string }; patient?: { reference?: string } }
  return target_of(has.subject ?? has.patient)
}
export const teller_of = (resource: FhirResource): string => `${origin_of(resource)?.source ?? ''} ${subject_of(resource)}`

/** Identifiers of a resource that mean something outside its source: with a system and a value. */
export function names_of(resource: FhirResource, what: string): string[] {
  const has = resource as { identifier?: Identifier | Identifier[]; masterIdentifier?: Identifier }
  const all = [has.masterIdentifier, ...(Array.isArray(has.identifier) ? has.identifier : [has.identifier])]
  return all.flatMap((one) => (one?.system && one.value ? [`${resource.resourceType}|${what}|${one.system}|${one.value}`] : []))
}

/** Dates of days stay days, moments are compared to the minute: "2026-03-01", "2026-03-01T08:30Z". */
export function moment_key(date: string): string {
  if (!date.includes('T')) return date
  const at = Date.parse(date)
  return Number.isNaN(at) ? '' : new Date(at).toISOString().slice(0, 16)
}

/** From the key of every telling that is left out to the key of the one shown for it. */
export function told_once(tellings: readonly Telling[]): Map<string, string> {
  interface Group {
    kept: Telling
    members: Telling[]
  }
  const groups: Group[] = []
  const by_word = new Map<string, Group[]>()
  const fits = (group: Group, one: Telling): boolean =>
    group.members.every((other) => other.teller !== one.teller && Object.entries(one.marks).every(([mark, said]) => !said || !other.marks[mark] || other.marks[mark] === said))
  for (const one of tellings) {
    const words = [...one.names, ...(one.fact ? [`=${one.fact}`] : [])]
    const group = words.flatMap((word) => by_word.get(word) ?? []).find((held) => fits(held, one))
    if (group) {
      group.members.push(one)
      if (one.weight > group.kept.weight) group.kept = one
    }
    const held = group ?? { kept: one, members: [one] }
    if (!group) groups.push(held)
    for (const word of words) {
      const list = by_word.get(word)
      if (!list) by_word.set(word, [held])
      else if (!list.includes(held)) list.push(held)
    }
  }
  const same = new Map<string, string>()
  for (const group of groups) for (const one of group.members) if (one !== group.kept) same.set(one.key, group.kept.key)
  return same
}
