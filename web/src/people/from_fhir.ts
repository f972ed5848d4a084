// SPDX-License-Identifier: Apache-2.0
// The list with filters comes from the FHIR search; here its resources become rows, with identifiers covered.
import type { Bundle, HumanName, Patient } from 'fhir/r4'
import { call } from '../client/call'
import { next_of } from '../client/fhir'
import type { PersonRow, Sex } from '../client/types'
import { born_within, type AgeBand } from './ages'

/** Chinese names are written without a space, family first; others given first. */
export function name_text(names: HumanName[] | undefined): string {
  const name = names?.find((other) => other.use === 'official') ?? names?.find((other) => other.use === 'usual') ?? names?.[0]
  if (!name) return ''
  const given = (name.given ?? []).join(' ')
  if (/\p{Script=Han}/u.test(`${name.family ?? ''}${given}`)) return name.text ?? `${name.family ?? ''}${given.replaceAll(' ', '')}`
  return [given, name.family].filter(Boolean).join(' ') || (name.text ?? '')
}

/** First four and last four stay; what is shorter keeps its last two. */
export function covered(value: string): string {
  if (value.length > 8) return `${value.slice(0, 4)}${'*'.repeat(Math.min(10, value.length - 8))}${value.slice(-4)}`
  return `${'*'.repeat(Math.max(0, value.length - 2))}${value.slice(-2)}`
}

export function row_of(patient: Patient): PersonRow {
  const address = patient.address?.[0]
  const phone = patient.telecom?.find((contact) => contact.system === 'phone')?.value ?? ''
  const identifier = patient.identifier?.find((other) => other.type?.coding?.some((coding) => coding.code === 'NI' || coding.code === 'SS' || coding.code === 'MR')) ?? patient.identifier?.[0]
  return {
    id: patient.id ?? '',
    name: name_text(patient.name),
    pinyin: '',
    sex: (patient.gender ?? 'unknown') as Sex,
    birth_date: patient.birthDate ?? '',
    deceased: patient.deceasedBoolean === true || patient.deceasedDateTime !== undefined,
    address: address?.text ?? [...(address?.line ?? []), address?.city].filter(Boolean).join(' '),
    identifier: covered(identifier?.value ?? ''),
    phone: phone.length > 7 ? `${phone.slice(0, 3)}****${phone.slice(-4)}` : phone,
  }
}

export interface PeopleFilter {
  q: string
  sex: Sex | ''
  age: AgeBand | ''
}

/** The FHIR query for a filter on a day. */
export function fhir_query(filter: PeopleFilter, day: string, count: number): string {
  const query = new URLSearchParams()
  const q = filter.q.trim()
  if (/^\d{4}-\d{2}-\d{2}$/.test(q)) query.append('birthdate', q)
  else if (/\d{4}/.test(q)) query.append('identifier', q)
  else for (const word of q.split(/\s+/).filter(Boolean)) query.append('name:contains', word)
  if (filter.sex) query.append('gender', filter.sex)
  if (filter.age) {
    const born = born_within(filter.age, day)
    if (born.from) query.append('birthdate', `ge${born.from}`)
    query.append('birthdate', `le${born.to}`)
  }
  query.append('_sort', 'family,given')
  query.append('_count', String(count))
  query.append('_total', 'accurate')
  return `/fhir/Patient?${query.toString()}`
}

export async function search_patients(path: string, signal: AbortSignal): Promise<{ rows: PersonRow[]; total: number | null; next: string | null }> {
  const bundle = await call<Bundle<Patient>>(path, { signal })
  const rows = (bundle.entry ?? []).flatMap((entry) => (entry.resource?.resourceType === 'Patient' ? [row_of(entry.resource)] : []))
  return { rows, total: bundle.total ?? null, next: next_of(bundle as Bundle<never>) }
}
