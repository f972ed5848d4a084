// SPDX-License-Identifier: Apache-2.0
// How entries are shown: where they lead, the status of a state, the code people know them by.
import type { RouteLocationRaw } from 'vue-router'
import type { Command, Entry, Kind, Named, Why } from '../client/registry'
import type { Status } from '../parts/status'

export function page_of(reference: string): RouteLocationRaw {
  const slash = reference.indexOf('/')
  return { name: 'registry-entry', params: { type: reference.slice(0, slash), id: reference.slice(slash + 1) } }
}
export const name_of = (named: Named | undefined): string => (named ? (named.name ?? named.reference) : '')

export const status_of = (entry: Pick<Entry, 'state' | 'to'>): Status => (entry.state === 'active' ? 'good' : entry.state === 'suspended' ? 'notice' : 'quiet')

const known = ['urn:oid:2.16.156.10011.1.5', 'urn:oid:2.16.156.10011.1.4', 'urn:xinglin:identifier:division', 'urn:xinglin:identifier:drug-code', 'urn:xinglin:identifier:udi-di', 'urn:xinglin:identifier:registry']
/** The code that a list shows: of the registers before others. */
export function code_of(entry: Pick<Entry, 'codes'>): string {
  for (const system of known) {
    const found = entry.codes.find((code) => code.system === system)
    if (found) return found.value
  }
  return entry.codes[0]?.value ?? ''
}
const systems: Record<string, string> = {
  'urn:xinglin:identifier:uscc': 'credit',
  'urn:oid:2.16.156.10011.1.5': 'institution',
  'urn:oid:2.16.156.10011.1.4': 'staff',
  'urn:xinglin:identifier:division': 'division',
  'urn:xinglin:identifier:practice-licence': 'licence',
  'urn:xinglin:identifier:udi-di': 'udi',
  'urn:xinglin:identifier:drug-code': 'drug',
  'urn:xinglin:identifier:registry': 'own',
}
/** The word for a system of codes; '' for one that has none. */
export const system_key = (system: string | undefined): string => systems[system ?? ''] ?? ''

export const bed_states = ['U', 'O', 'H', 'I', 'K', 'C'] as const
/** What may be done to all of these at once. */
export function commands_for(chosen: readonly Pick<Entry, 'kind' | 'state'>[]): Command['what'][] {
  if (chosen.length === 0) return []
  const every = (...allowed: Kind[]): boolean => chosen.every((one) => allowed.includes(one.kind))
  const out: Command['what'][] = []
  const placed = every('institution', 'department', 'alliance') || every('site', 'ward', 'bed', 'area')
  if (chosen.length === 1 && every('institution', 'department', 'alliance', 'site', 'ward', 'bed', 'area', 'practitioner')) out.push('rename', 'recode')
  if (placed) out.push('move')
  if (chosen.length === 1 && (placed || every('practitioner'))) out.push('merge')
  if (every('bed')) out.push('bed_state')
  if (every('institution', 'site', 'ward')) out.push('area')
  if (every('institution')) out.push('class')
  if (placed || every('practitioner') || every('role')) out.push('period')
  if (chosen.length === 1 && !every('role') && !every('affiliation')) out.push('map')
  if (chosen.every((one) => one.state === 'active')) out.push('close')
  if (chosen.every((one) => one.state !== 'active')) out.push('reopen')
  return out
}

/** How sure a suggestion is: good ones may be accepted many at once. */
export const sureness_of = (why: Why | undefined): Status => (why === 'same_code' || why === 'same_name' || why === 'same_id' ? 'good' : why === 'alike' || why === 'elsewhere' ? 'notice' : 'warning')

/** Beds by the ward they stand in, in the order of their numbers. */
export function wards_of(beds: readonly Entry[]): { reference: string; name: string; beds: Entry[] }[] {
  const wards = new Map<string, { reference: string; name: string; beds: Entry[] }>()
  for (const bed of beds) {
    const at = bed.parent ?? bed.organization
    const key = at?.reference ?? ''
    const ward = wards.get(key) ?? { reference: key, name: name_of(at), beds: [] }
    ward.beds.push(bed)
    wards.set(key, ward)
  }
  for (const ward of wards.values()) ward.beds.sort((a, b) => a.name.localeCompare(b.name, 'zh-CN', { numeric: true }))
  return [...wards.values()].sort((a, b) => a.name.localeCompare(b.name, 'zh-CN'))
}

/** Did a scanner type this, rather than a person? GS1 with brackets or a separator, or a drug's trace code. */
export const is_scanned = (text: string): boolean => /^\(\d{2,4}\)/.test(text) || text.includes('\u001d') || /^\](d2|C1|e0|Q3)/.test(text) || /^\d{20}$/.test(text) || /^01\d{14}(1[0-9]|2[01])/.test(text)

/** Points with a place, laid on a map; those that share one are counted together. */
export interface Mark {
  x: number
  y: number
  entries: Entry[]
}
export function marks_of(entries: readonly Entry[], project: (point: readonly [number, number]) => [number, number]): Mark[] {
  const marks = new Map<string, Mark>()
  for (const entry of entries) {
    if (!entry.position) continue
    const [x, y] = project(entry.position)
    const key = `${Math.round(x / 7)} ${Math.round(y / 7)}`
    const mark = marks.get(key)
    if (mark) mark.entries.push(entry)
    else marks.set(key, { x, y, entries: [entry] })
  }
  return [...marks.values()]
}
