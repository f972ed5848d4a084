// SPDX-License-Identifier: Apache-2.0
// Reading small FHIR pieces: concepts, quantities, dates, references. Pure; never throws on what a record may hold.
import type { CodeableConcept, FhirResource, Observation, ObservationComponent, Period, Quantity, Reference, Timing } from 'fhir/r4'

/** What something is: the words of the record, and the code that may bring words in the reader's language. */
export interface Concept {
  text: string
  system: string
  code: string
}

export const nothing: Concept = { text: '', system: '', code: '' }

/** Display texts without zero-width spaces and without SNOMED's type in brackets. */
export const tidy = (text: string): string =>
  text
    .replace(/\u200b/g, '')
    .replace(/ \((?:disorder|finding|procedure|situation|regime\/therapy|morphologic abnormality|event|observable entity|product|substance|clinical drug)\)$/, '')
    .trim()

export function concept(value: CodeableConcept | undefined): Concept {
  if (!value) return nothing
  const coding = value.coding?.find((one) => one.code) ?? value.coding?.[0]
  return { text: tidy(value.text ?? coding?.display ?? coding?.code ?? ''), system: coding?.system ?? '', code: coding?.code ?? '' }
}

export const first_concept = (values: CodeableConcept[] | undefined): Concept => concept(values?.[0])

/** Milliseconds of a FHIR date, instant or period start; null when there is none. */
export function at_of(text: string | undefined): number | null {
  if (!text) return null
  const at = Date.parse(/^\d{4}(-\d{2})?$/.test(text) ? `${text}${text.length === 4 ? '-01-01' : '-01'}` : text)
  return Number.isNaN(at) ? null : at
}

export const period_text = (period: Period | undefined): string | undefined => period?.start ?? period?.end

/** "Encounter/7" of a reference that may be absolute or versioned; '' when it points inside or nowhere. */
export function target_of(reference: Reference | undefined): string {
  const match = /([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/.exec(reference?.reference ?? '')
  return match ? `${match[1]}/${match[2]}` : ''
}

export const id_of = (resource: FhirResource): string => resource.id ?? ''
export const key_of = (resource: FhirResource): string => `${resource.resourceType}/${resource.id ?? ''}`

const unit_words: Record<string, string> = {
  'mm[Hg]': 'mmHg',
  'kg/m2': 'kg/m²',
  '10*3/uL': '10³/µL',
  '10*6/uL': '10⁶/µL',
  '10*9/L': '10⁹/L',
  '10*12/L': '10¹²/L',
  'mL/min/{1.73_m2}': 'mL/min/1.73 m²',
  Cel: '℃',
  '{score}': '',
  '(score)': '',
  '{nominal}': '',
  '{T-score}': '',
  '1': '',
  '/min': '/min',
}

/** A UCUM unit as people write it. */
export const unit_text = (unit: string | undefined): string => {
  if (!unit) return ''
  return unit_words[unit] ?? unit.replace(/^u(?=[A-Z])|(?<=\/)u(?=[A-Z])/g, 'µ').replace(/\{[^}]*\}/g, '')
}

export const unit_of = (quantity: Quantity | undefined): string => unit_text(quantity?.unit ?? quantity?.code)

/** How many decimals a column of values is written with: as read at the bedside, never more than was recorded. */
export function decimals_of(values: readonly number[], unit: string): number {
  if (values.length === 0) return 0
  const recorded = Math.max(...values.map((value) => (String(value).split('.')[1] ?? '').length))
  const sorted = [...values].map(Math.abs).sort((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0
  const read_with = unit === 'mmHg' || middle >= 200 ? 0 : middle >= 10 || unit === '%' || unit.startsWith('mmol') ? 1 : 2
  return Math.min(recorded, read_with)
}

export interface Measured {
  /** Present for figures. */
  value: number | null
  unit: string
  /** Present for what is not a figure: "never smoker", "trace", "<0.1". */
  words: Concept
}

/** The value of an observation or of a component of it. */
export function measured(from: Observation | ObservationComponent): Measured {
  const quantity = from.valueQuantity
  if (quantity?.value !== undefined) {
    const unit = unit_of(quantity)
    return quantity.comparator ? { value: null, unit, words: { ...nothing, text: `${quantity.comparator} ${quantity.value} ${unit}`.trim() } } : { value: quantity.value, unit, words: nothing }
  }
  if (from.valueInteger !== undefined) return { value: from.valueInteger, unit: '', words: nothing }
  if (from.valueCodeableConcept) return { value: null, unit: '', words: concept(from.valueCodeableConcept) }
  const low_high = from.valueRange ? `${from.valueRange.low?.value ?? ''}–${from.valueRange.high?.value ?? ''} ${unit_of(from.valueRange.low ?? from.valueRange.high)}` : undefined
  const ratio = from.valueRatio ? `${from.valueRatio.numerator?.value ?? ''}:${from.valueRatio.denominator?.value ?? ''}` : undefined
  const text = from.valueString ?? low_high ?? ratio ?? from.valueDateTime ?? from.valueTime ?? (from.valueBoolean === undefined ? undefined : String(from.valueBoolean))
  return { value: null, unit: '', words: text === undefined ? concept(from.dataAbsentReason) : { ...nothing, text } }
}

/** Blood pressure is read high over low, whatever order the record keeps. */
export const upper_first = (code: string): number => (code === '8480-6' ? 0 : code === '8462-4' ? 1 : 2)

export const is_abnormal_code = (code: string): boolean => ['H', 'HH', 'HU', '>', 'L', 'LL', 'LU', '<', 'A', 'AA', 'POS', 'R'].includes(code)

/** How often a medicine is taken, when it is coded: times, in how many, of what unit. */
export function frequency(timing: Timing | undefined): { times: number; per: number; unit: string } | null {
  const repeat = timing?.repeat
  if (!repeat?.periodUnit) return null
  return { times: repeat.frequency ?? 1, per: repeat.period ?? 1, unit: repeat.periodUnit }
}
