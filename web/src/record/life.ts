// SPDX-License-Identifier: Apache-2.0
// From loose resources to a life: contacts with what happened in each, and what happened outside of any.
// Pure: resources in, a picture out. References that lead nowhere are left aside, never an error.
import type { CarePlan, DiagnosticReport, DocumentReference, Encounter, FhirResource, ImagingStudy, Immunization, MedicationRequest, MedicationStatement, Observation, Procedure, Reference } from 'fhir/r4'
import kinds from './contact_kinds.json'
import { at_of, concept, first_concept, key_of, measured, nothing, period_text, target_of, tidy, upper_first, type Concept, type Measured } from './values'
import { moment_key, names_of, teller_of, told_once, type Telling } from './twice'

export type ContactKind = 'outpatient' | 'emergency' | 'inpatient' | 'follow_up' | 'check_up' | 'home' | 'virtual'
export type HappeningKind = 'condition' | 'observation' | 'procedure' | 'medication' | 'immunization' | 'report' | 'imaging' | 'document' | 'plan' | 'allergy'

export interface Place {
  /** "Organization/7", or the words when there is no reference; '' when unknown. */
  key: string
  name: string
}

/** One thing that was found, done or given. */
export interface Happening {
  key: string
  kind: HappeningKind
  what: Concept
  at: number | null
  /** The date as recorded, for showing. */
  date: string
  status: string
  contact: string
  place: Place
  resource: FhirResource
  /** For observations: the value, and those of the components. */
  value: Measured | null
  parts: { what: Concept; value: Measured }[]
}

/** A contact with care. */
export interface Contact {
  key: string
  kind: ContactKind
  what: Concept
  reason: Concept
  status: string
  start: string
  end: string
  at: number | null
  until: number | null
  /** Nights between start and end. */
  nights: number
  place: Place
  people: string[]
  happened: Happening[]
}

export interface Life {
  /** Newest first. */
  contacts: Contact[]
  /** What belongs to no contact, newest first. */
  loose: Happening[]
  /** Everything that happened, newest first. */
  happened: Happening[]
  /** What was left out because another source tells the same leads to what is shown. */
  by_key: Map<string, FhirResource>
  /** From the key of what is left out to the key of what is shown for it. */
  same: Map<string, string>
  /** The other tellings of what is shown. */
  also: Map<string, FhirResource[]>
}

/** A fact as its sources told it: the one shown first. */
export const tellings_of = (life: Life, key: string): (FhirResource | undefined)[] => [life.by_key.get(key), ...(life.also.get(key) ?? [])]

const check_up_words = new RegExp(kinds.check_up.words, 'i')
const follow_up_words = new RegExp(kinds.follow_up.words, 'i')

export function contact_kind(encounter: Encounter): ContactKind {
  const code = encounter.class?.code ?? ''
  if (['IMP', 'ACUTE', 'NONAC', 'OBSENC', 'SS'].includes(code)) return 'inpatient'
  if (code === 'EMER' || code === 'FLD') return 'emergency'
  const codes = (encounter.type ?? []).flatMap((type) => (type.coding ?? []).map((coding) => coding.code ?? ''))
  const words = (encounter.type ?? []).map((type) => type.text ?? type.coding?.[0]?.display ?? '').join(' ')
  if (codes.some((one) => kinds.check_up.codes.includes(one)) || check_up_words.test(words)) return 'check_up'
  if (codes.some((one) => kinds.follow_up.codes.includes(one)) || follow_up_words.test(words)) return 'follow_up'
  if (code === 'HH') return 'home'
  return code === 'VR' ? 'virtual' : 'outpatient'
}

/** The references a record needs names for that it doesn't hold itself. */
export function missing_names(resources: readonly FhirResource[]): string[] {
  const held = new Set(resources.map(key_of))
  const wanted = new Set<string>()
  for (const resource of resources) {
    if (resource.resourceType !== 'Encounter') continue
    for (const reference of [resource.serviceProvider, ...(resource.participant ?? []).map((one) => one.individual)]) {
      const target = target_of(reference)
      if (target && !reference?.display && !held.has(target)) wanted.add(target)
    }
  }
  return [...wanted]
}

function name_of(resource: FhirResource | undefined): string {
  if (!resource) return ''
  if (resource.resourceType === 'Organization' || resource.resourceType === 'Location') return tidy(resource.name ?? '')
  if (resource.resourceType === 'Practitioner') {
    const name = resource.name?.[0]
    return name?.text ?? [...(name?.prefix ?? []), ...(name?.given ?? []), name?.family].filter(Boolean).join(' ')
  }
  return ''
}

function named(reference: Reference | undefined, by_key: Map<string, FhirResource>): Place {
  const key = target_of(reference)
  const name = reference?.display ?? name_of(by_key.get(key))
  return name || key ? { key: key || name, name } : { key: '', name: '' }
}

export function life_of(resources: readonly FhirResource[]): Life {
  const by_key = new Map(resources.map((resource) => [key_of(resource), resource]))
  const contacts = new Map<string, Contact>()
  for (const resource of resources) if (resource.resourceType === 'Encounter') contacts.set(key_of(resource), contact_of(resource, by_key))
  const same = told_once([...contacts.values()].map((one) => telling_of_contact(one, by_key.get(one.key) as Encounter)))
  for (const [left, shown] of same) contacts.set(left, contacts.get(shown) as Contact)
  const told = resources.flatMap((resource) => happening_of(resource, contacts, by_key) ?? []).sort(newest_first)
  for (const [left, shown] of told_once(told.map(telling_of))) same.set(left, shown)
  const happened = same.size ? told.filter((one) => !same.has(one.key)) : told
  const also = new Map<string, FhirResource[]>()
  for (const [left, shown] of same) {
    also.set(shown, [...(also.get(shown) ?? []), by_key.get(left) as FhirResource])
    by_key.set(left, by_key.get(shown) as FhirResource)
  }
  const loose: Happening[] = []
  for (const one of happened) (contacts.get(one.contact)?.happened ?? loose).push(one)
  return { contacts: [...new Set(contacts.values())].sort(newest_first), loose, happened, by_key, same, also }
}

const named_thing = (what: Concept): string => what.code || what.text
const weight_of = (resource: FhirResource): number => JSON.stringify(resource).length

function telling_of_contact(one: Contact, encounter: Encounter): Telling {
  const start = moment_key(one.start)
  const place = one.place.name || one.place.key
  return { key: one.key, teller: teller_of(encounter), names: names_of(encounter, ''), fact: start.includes('T') && place ? `contact ${encounter.class?.code ?? ''} ${start} ${place}` : '', marks: {}, weight: weight_of(encounter) }
}

function telling_of(one: Happening): Telling {
  const what = named_thing(one.what)
  const when = moment_key(one.date)
  const figure = (value: Measured | null): string => (value ? `${value.value ?? (value.words.code || value.words.text)} ${value.unit}` : '')
  const found = one.kind === 'observation' ? ` ${figure(one.value)} ${one.parts.map((part) => `${named_thing(part.what)} ${figure(part.value)}`).join(' ')}` : ''
  const marks: Record<string, string> = {}
  if (one.resource.resourceType === 'Immunization') {
    const dose = one.resource.protocolApplied?.[0]
    Object.assign(marks, { lot: one.resource.lotNumber ?? '', dose: String(dose?.doseNumberPositiveInt ?? dose?.doseNumberString ?? '') })
  }
  if (one.resource.resourceType === 'MedicationRequest') marks['dose'] = JSON.stringify(one.resource.dosageInstruction?.[0]?.doseAndRate?.[0]?.doseQuantity ?? '')
  if (one.resource.resourceType === 'DiagnosticReport') marks['conclusion'] = one.resource.conclusion ?? ''
  // a day is enough for what is done once; documents and reports need their moment, since a day has many of a kind
  const by_day = ['immunization', 'condition', 'allergy', 'medication', 'procedure'].includes(one.kind)
  const day = by_day && when ? when.slice(0, 10) : when
  const told = what && (one.kind === 'allergy' || (day && (by_day || day.includes('T') || found.trim())))
  return { key: one.key, teller: teller_of(one.resource), names: names_of(one.resource, what), fact: told ? `${one.kind} ${what} ${one.kind === 'allergy' ? '' : day}${found}` : '', marks, weight: weight_of(one.resource) }
}

const newest_first = (a: { at: number | null; key: string }, b: { at: number | null; key: string }): number => (b.at ?? -Infinity) - (a.at ?? -Infinity) || (a.key < b.key ? -1 : 1)

function contact_of(encounter: Encounter, by_key: Map<string, FhirResource>): Contact {
  const start = encounter.period?.start ?? ''
  const end = encounter.period?.end ?? ''
  const at = at_of(start || end)
  const until = at_of(end)
  const location = encounter.location?.[0]?.location
  const place = named(encounter.serviceProvider, by_key)
  return {
    key: key_of(encounter),
    kind: contact_kind(encounter),
    what: first_concept(encounter.type),
    reason: reason_of(encounter, by_key),
    status: encounter.status,
    start,
    end,
    at,
    until,
    nights: at !== null && until !== null ? Math.max(0, Math.round((until - at) / 86_400_000)) : 0,
    place: place.key ? place : named(location, by_key),
    people: [...new Set((encounter.participant ?? []).map((one) => named(one.individual, by_key).name).filter(Boolean))],
    happened: [],
  }
}

function reason_of(encounter: Encounter, by_key: Map<string, FhirResource>): Concept {
  if (encounter.reasonCode?.length) return first_concept(encounter.reasonCode)
  for (const reference of [...(encounter.reasonReference ?? []), ...(encounter.diagnosis ?? []).map((one) => one.condition)]) {
    const condition = by_key.get(target_of(reference))
    if (condition?.resourceType === 'Condition') return concept(condition.code)
  }
  return nothing
}

interface Told {
  kind: HappeningKind
  what: Concept
  date: string | undefined
  status: string
  encounter: Reference | undefined
  performer?: Reference
}

/** What one resource tells; null for those that tell no event (people, places, claims). */
function told_by(resource: FhirResource, by_key: Map<string, FhirResource>): Told | null {
  switch (resource.resourceType) {
    case 'Condition':
      return { kind: 'condition', what: concept(resource.code), date: resource.onsetDateTime ?? period_text(resource.onsetPeriod) ?? resource.recordedDate, status: resource.clinicalStatus?.coding?.[0]?.code ?? '', encounter: resource.encounter }
    case 'Observation':
      return { kind: 'observation', what: concept(resource.code), date: observed_on(resource), status: resource.status, encounter: resource.encounter, performer: resource.performer?.[0] }
    case 'Procedure':
      return { kind: 'procedure', what: concept(resource.code), date: performed_on(resource), status: resource.status, encounter: resource.encounter, performer: resource.performer?.[0]?.onBehalfOf }
    case 'MedicationRequest':
      return { kind: 'medication', what: medicine_name(resource, by_key), date: resource.authoredOn, status: resource.status, encounter: resource.encounter }
    case 'MedicationStatement':
      return { kind: 'medication', what: medicine_name(resource, by_key), date: resource.effectiveDateTime ?? period_text(resource.effectivePeriod) ?? resource.dateAsserted, status: resource.status, encounter: resource.context }
    case 'Immunization':
      return { kind: 'immunization', what: concept(resource.vaccineCode), date: vaccinated_on(resource), status: resource.status, encounter: resource.encounter, performer: resource.location ?? resource.performer?.[0]?.actor }
    case 'DiagnosticReport':
      return { kind: 'report', what: concept(resource.code), date: reported_on(resource), status: resource.status, encounter: resource.encounter, performer: resource.performer?.[0] }
    case 'ImagingStudy':
      return { kind: 'imaging', what: imaging_concept(resource), date: resource.started, status: resource.status, encounter: resource.encounter }
    case 'DocumentReference':
      return { kind: 'document', what: document_concept(resource), date: resource.date ?? period_text(resource.context?.period), status: resource.status, encounter: resource.context?.encounter?.[0], performer: resource.custodian }
    case 'CarePlan':
      return { kind: 'plan', what: plan_concept(resource), date: period_text(resource.period) ?? resource.created, status: resource.status, encounter: resource.encounter }
    case 'AllergyIntolerance':
      return { kind: 'allergy', what: concept(resource.code), date: resource.onsetDateTime ?? resource.recordedDate, status: resource.clinicalStatus?.coding?.[0]?.code ?? '', encounter: resource.encounter }
    default:
      return null
  }
}

export const observed_on = (one: Observation): string | undefined => one.effectiveDateTime ?? one.effectiveInstant ?? period_text(one.effectivePeriod) ?? one.issued
const performed_on = (one: Procedure): string | undefined => one.performedDateTime ?? period_text(one.performedPeriod) ?? one.performedString
const vaccinated_on = (one: Immunization): string | undefined => one.occurrenceDateTime ?? one.recorded
const reported_on = (one: DiagnosticReport): string | undefined => one.effectiveDateTime ?? period_text(one.effectivePeriod) ?? one.issued

const imaging_concept = (one: ImagingStudy): Concept => {
  if (one.description) return { ...nothing, text: one.description }
  const series = one.series?.[0]
  return { text: [series?.modality.display ?? series?.modality.code, series?.bodySite?.display].filter(Boolean).join(' '), system: series?.modality.system ?? '', code: series?.modality.code ?? '' }
}
const document_concept = (one: DocumentReference): Concept => (one.type ? concept(one.type) : { ...nothing, text: one.description ?? one.content?.[0]?.attachment?.title ?? '' })
const plan_concept = (one: CarePlan): Concept => {
  if (one.title) return { ...nothing, text: one.title }
  const category = first_concept(one.category)
  return category.text ? category : concept(one.activity?.find((activity) => activity.detail?.code)?.detail?.code)
}

/** The medicine of an order: in its own words, or those of a resource inside it or beside it. */
function medicine_name(order: MedicationRequest | MedicationStatement, by_key: Map<string, FhirResource>): Concept {
  if (order.medicationCodeableConcept) return concept(order.medicationCodeableConcept)
  const reference = order.medicationReference
  const inside = reference?.reference?.startsWith('#') ? order.contained?.find((one) => one.id === reference.reference?.slice(1)) : undefined
  const medication = (inside as FhirResource | undefined) ?? by_key.get(target_of(reference))
  const known = medication?.resourceType === 'Medication' ? concept(medication.code) : nothing
  return known.text ? known : { ...nothing, text: reference?.display ?? '' }
}

function happening_of(resource: FhirResource, contacts: Map<string, Contact>, by_key: Map<string, FhirResource>): Happening | null {
  const told = told_by(resource, by_key)
  if (!told || told.status === 'entered-in-error') return null
  const contact = contacts.get(target_of(told.encounter))
  const place = told.performer ? named(told.performer, by_key) : { key: '', name: '' }
  const is_place = place.key.startsWith('Organization/') || place.key.startsWith('Location/') || !place.key.includes('/')
  return {
    key: key_of(resource),
    kind: told.kind,
    what: told.what,
    at: at_of(told.date) ?? contact?.at ?? null,
    date: told.date ?? contact?.start ?? '',
    status: told.status,
    contact: contact?.key ?? '',
    place: contact?.place.key ? contact.place : place.key && is_place ? place : { key: '', name: '' },
    resource,
    value: resource.resourceType === 'Observation' ? measured(resource) : null,
    parts: resource.resourceType === 'Observation' ? (resource.component ?? []).map((part) => ({ what: concept(part.code), value: measured(part) })).sort((a, b) => upper_first(a.what.code) - upper_first(b.what.code)) : [],
  }
}
