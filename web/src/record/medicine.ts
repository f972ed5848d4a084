// SPDX-License-Identifier: Apache-2.0
// Medicines: what is being taken now, and every prescription by medicine.
import type { Dosage, MedicationRequest, MedicationStatement } from 'fhir/r4'
import { at_of, frequency, key_of, target_of, concept, type Concept } from './values'
import type { Happening, Life } from './life'

export interface Order {
  key: string
  date: string
  at: number | null
  status: string
  dose: Dose
  reason: Concept | null
  place: string
  contact: string
}

export interface Dose {
  /** As the prescriber wrote it; preferred when present. */
  text: string
  amount: number | null
  unit: string
  times: { times: number; per: number; unit: string } | null
  as_needed: boolean
  route: Concept | null
}

export interface Medicine {
  name: Concept
  current: boolean
  /** Newest first. */
  orders: Order[]
}

/** An active order whose period, if it has one, has not ended. */
export function is_current(status: string, ends: string | undefined, now: number): boolean {
  const end = at_of(ends)
  return (status === 'active' || status === 'on-hold') && (end === null || end >= now)
}

export function dose_of(dosage: Dosage | undefined): Dose {
  const given = dosage?.doseAndRate?.[0]
  const quantity = given?.doseQuantity ?? given?.doseRange?.low
  return {
    text: dosage?.text ?? '',
    amount: quantity?.value ?? null,
    unit: quantity?.unit ?? '',
    times: frequency(dosage?.timing),
    as_needed: dosage?.asNeededBoolean === true || dosage?.asNeededCodeableConcept !== undefined,
    route: dosage?.route ? concept(dosage.route) : null,
  }
}

export function medicines_of(life: Life, now: number): Medicine[] {
  const groups = new Map<string, Medicine>()
  for (const one of life.happened) {
    if (one.kind !== 'medication') continue
    const resource = one.resource as MedicationRequest | MedicationStatement
    const name = one.what
    const key = name.code || name.text || one.key
    const held = groups.get(key) ?? { name, current: false, orders: [] }
    held.orders.push(order_of(one, resource, life))
    held.current ||= is_current(resource.status, ends_of(resource), now)
    groups.set(key, held)
  }
  return [...groups.values()].sort((a, b) => Number(b.current) - Number(a.current) || (b.orders[0]?.at ?? 0) - (a.orders[0]?.at ?? 0))
}

function ends_of(resource: MedicationRequest | MedicationStatement): string | undefined {
  return resource.resourceType === 'MedicationRequest' ? resource.dispenseRequest?.validityPeriod?.end : resource.effectivePeriod?.end
}

function order_of(one: Happening, resource: MedicationRequest | MedicationStatement, life: Life): Order {
  const dosage = resource.resourceType === 'MedicationRequest' ? resource.dosageInstruction?.[0] : resource.dosage?.[0]
  return { key: key_of(resource), date: one.date, at: one.at, status: one.status, dose: dose_of(dosage), reason: reason_of(resource, life), place: one.place.name, contact: one.contact }
}

function reason_of(resource: MedicationRequest | MedicationStatement, life: Life): Concept | null {
  if (resource.reasonCode?.length) return concept(resource.reasonCode[0])
  const condition = life.by_key.get(target_of(resource.reasonReference?.[0]))
  return condition?.resourceType === 'Condition' ? concept(condition.code) : null
}
