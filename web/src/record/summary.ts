// SPDX-License-Identifier: Apache-2.0
// The one line that stands for a contact in a list: what was found, measured, done and given.
import type { Contact, Happening, HappeningKind } from './life'

/** Kinds in the order a reader wants them. */
export const reading_order: readonly HappeningKind[] = ['condition', 'allergy', 'observation', 'report', 'imaging', 'procedure', 'medication', 'immunization', 'plan', 'document']

export function by_kind(happened: readonly Happening[]): { kind: HappeningKind; all: Happening[] }[] {
  return reading_order.flatMap((kind) => {
    const all = happened.filter((one) => one.kind === kind)
    return all.length ? [{ kind, all }] : []
  })
}

/** Vital signs worth a place in one line, as LOINC codes: pressure, temperature, glucose, HbA1c, weight. */
const telling = ['85354-9', '55284-4', '8310-5', '8331-1', '1558-6', '2339-0', '4548-4', '29463-7']

/** At most `count` happenings that say most about a contact. */
export function gist_of(contact: Contact, count = 3): Happening[] {
  const rank = (one: Happening): number => {
    if (one.kind === 'condition') return 0
    if (one.kind === 'observation') {
      const at = telling.indexOf(one.what.code)
      return at < 0 ? 60 : 10 + at
    }
    if (one.kind === 'procedure') return 20
    if (one.kind === 'medication') return 30
    if (one.kind === 'immunization') return 40
    return one.kind === 'report' || one.kind === 'imaging' ? 45 : 50
  }
  return contact.happened.map((one) => ({ one, rank: rank(one) })).filter((held) => held.rank < 60).sort((a, b) => a.rank - b.rank).slice(0, count).map((held) => held.one)
}
