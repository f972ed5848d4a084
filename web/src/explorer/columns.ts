// SPDX-License-Identifier: Apache-2.0
// One line of a result list for a resource of any type: what it is, how it stands, about whom, when.
import type { FhirResource } from 'fhir/r4'
import { target_of } from './tree'

export interface Row {
  type: string
  id: string
  what: string
  /** A code when there are no words. */
  code: string
  detail: string
  status: string
  subject: { text: string; address: string; to: { type: string; id: string } | null } | null
  date: string
  updated: string
  version: string
  mode: 'match' | 'include'
}

type Members = Record<string, unknown>
const object = (value: unknown): Members | null => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : null)
const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value)
const text = (value: unknown): string => (typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '')

function concept(value: unknown): { text: string; code: string } {
  const given = object(first(value))
  if (!given) return { text: text(first(value)), code: '' }
  const codings = Array.isArray(given['coding']) ? given['coding'].map(object) : [given]
  const coding = codings.find((one) => one?.['display']) ?? codings[0]
  return { text: text(given['text']) || text(coding?.['display']), code: text(coding?.['code']) }
}

function name_of(value: unknown): string {
  const given = object(first(value))
  if (!given) return text(first(value))
  if (given['text']) return text(given['text'])
  const names = Array.isArray(given['given']) ? given['given'].map(text).join(' ') : ''
  const family = text(given['family'])
  return /\p{Script=Han}/u.test(family + names) ? family + names.replaceAll(' ', '') : [names, family].filter(Boolean).join(' ')
}

const main_names = ['code', 'vaccineCode', 'medicationCodeableConcept', 'medicationReference', 'productCodeableConcept', 'type', 'serviceType', 'category', 'topic', 'reasonCode', 'class', 'description', 'title', 'subtype', 'action', 'outcome']
const date_names = ['date', 'effectiveDateTime', 'effectiveInstant', 'effectivePeriod', 'occurrenceDateTime', 'performedDateTime', 'performedPeriod', 'authoredOn', 'started', 'onsetDateTime', 'recordedDate', 'assertedDate', 'period', 'billablePeriod', 'created', 'issued', 'recorded', 'authored', 'birthDate', 'start', 'receivedTime', 'startDate', 'manufactureDate']
const subject_names = ['subject', 'patient', 'beneficiary', 'for', 'individual', 'candidate']

/** The search parameters by which the date column may be sorted, in order of liking. */
export const date_parameters = ['date', 'authoredon', 'started', 'onset-date', 'recorded-date', 'created', 'authored-on', 'issued', 'recorded', 'birthdate', 'period', 'start-date'] as const

/** Two decimals are enough to know a value again; the resource itself shows all of them. */
const figure = (value: unknown): string => (typeof value === 'number' ? String(Math.round(value * 100) / 100) : text(value))

function status_of(resource: Members): string {
  const status = resource['status'] ?? resource['clinicalStatus'] ?? resource['lifecycleStatus']
  if (typeof status === 'string') return status
  if (object(status)) return concept(status).code || concept(status).text
  return resource['active'] === true ? 'active' : resource['active'] === false ? 'inactive' : ''
}

function date_of(resource: Members): string {
  for (const name of date_names) {
    const value = resource[name]
    if (typeof value === 'string') return value
    const period = object(value)
    if (period) return text(period['start']) || text(period['end'])
  }
  return ''
}

function detail_of(resource: Members): string {
  const quantity = object(resource['valueQuantity'])
  if (quantity) return [text(quantity['comparator']), figure(quantity['value']), text(quantity['unit']) || text(quantity['code'])].filter(Boolean).join(' ')
  const parts = resource['resourceType'] === 'Observation' && Array.isArray(resource['component']) ? resource['component'].map((one) => object(object(one)?.['valueQuantity'])) : []
  if (parts.length && parts.every(Boolean)) return [parts.map((one) => figure(one?.['value'])).join('/'), text(parts[0]?.['unit'])].filter(Boolean).join(' ')
  for (const name of ['valueCodeableConcept', 'valueString', 'valueBoolean', 'valueInteger', 'valueDateTime', 'gender', 'total', 'contentType']) {
    if (resource[name] !== undefined) {
      const money = object(resource[name])
      return money && 'currency' in money ? `${figure(money['value'])} ${text(money['currency'])}` : concept(resource[name]).text
    }
  }
  const klass = object(resource['class'])
  return klass ? text(klass['display']) || text(klass['code']) : ''
}

function subject_of(resource: Members): Row['subject'] {
  for (const name of subject_names) {
    const given = object(first(resource[name]))
    if (!given) continue
    const address = text(given['reference'])
    return { text: text(given['display']), address, to: target_of(address) }
  }
  return null
}

export function row_of(resource: FhirResource, mode: 'match' | 'include' = 'match'): Row {
  const members = resource as unknown as Members
  const named = members['name'] !== undefined ? name_of(members['name']) : ''
  const found = named ? null : main_names.map((name) => {
    const given = object(first(members[name]))
    return given && 'reference' in given ? { text: text(given['display']), code: '' } : concept(members[name])
  }).find((one) => one.text || one.code)
  return {
    type: resource.resourceType,
    id: resource.id ?? '',
    what: named || (found?.text ?? ''),
    code: found?.code ?? '',
    detail: detail_of(members),
    status: status_of(members),
    subject: subject_of(members),
    date: date_of(members),
    updated: resource.meta?.lastUpdated ?? '',
    version: resource.meta?.versionId ?? '',
    mode,
  }
}
