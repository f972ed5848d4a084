// SPDX-License-Identifier: Apache-2.0
// Results over time: observations of the same kind become a series; panels such as blood pressure keep their parts together.
import type { Observation, ObservationReferenceRange } from 'fhir/r4'
import { decimals_of, is_abnormal_code, measured, concept, upper_first, type Concept, type Measured } from './values'
import type { Happening, Life } from './life'

export type Side = 'low' | 'high' | 'abnormal' | 'inside' | 'unknown'

export interface Range {
  low: number | null
  high: number | null
  text: string
}

export interface Point {
  key: string
  at: number
  date: string
  measured: Measured
  range: Range | null
  side: Side
  status: string
  place: string
  contact: string
}

export interface Series {
  key: string
  what: Concept
  category: Category
  unit: string
  decimals: number
  /** Oldest first. */
  points: Point[]
  /** All points are figures of one unit. */
  numeric: boolean
  /** Parts of a panel, in the order of the record; empty for a plain series. */
  parts: Series[]
}

export type Category = 'vital-signs' | 'laboratory' | 'imaging' | 'survey' | 'procedure' | 'exam' | 'social-history' | 'other'
const categories: readonly Category[] = ['vital-signs', 'laboratory', 'imaging', 'survey', 'procedure', 'exam', 'social-history']

/** Systolic and diastolic pressure, as LOINC names them; and the panels that hold both. */
export const systolic = '8480-6'
export const diastolic = '8462-4'

export function range_of(ranges: ObservationReferenceRange[] | undefined): Range | null {
  const range = ranges?.find((one) => !one.type || one.type.coding?.some((coding) => coding.code === 'normal')) ?? ranges?.[0]
  if (!range) return null
  const low = range.low?.value ?? null
  const high = range.high?.value ?? null
  return low === null && high === null && !range.text ? null : { low, high, text: range.text ?? '' }
}

/** Where a value lies: as the laboratory said, else by the range it gave. */
export function side_of(value: number | null, range: Range | null, interpretation: string): Side {
  if (['H', 'HH', 'HU', '>'].includes(interpretation)) return 'high'
  if (['L', 'LL', 'LU', '<'].includes(interpretation)) return 'low'
  if (is_abnormal_code(interpretation)) return 'abnormal'
  if (interpretation === 'N' || interpretation === 'NEG') return 'inside'
  if (value === null || !range) return 'unknown'
  if (range.low !== null && value < range.low) return 'low'
  if (range.high !== null && value > range.high) return 'high'
  return range.low !== null || range.high !== null ? 'inside' : 'unknown'
}

export function category_of(observation: Observation): Category {
  const code = observation.category?.flatMap((one) => one.coding ?? [])[0]?.code ?? ''
  return categories.find((one) => one === code || (one === 'vital-signs' && code === 'vital-sign')) ?? 'other'
}

const key_of_concept = (what: Concept): string => what.code || what.text

export function series_of(life: Life): Series[] {
  const groups = new Map<string, Happening[]>()
  for (const one of life.happened) {
    if (one.kind !== 'observation' || one.at === null) continue
    const key = key_of_concept(one.what)
    if (!key) continue
    const group = groups.get(key)
    if (group) group.push(one)
    else groups.set(key, [one])
  }
  return [...groups].map(([key, group]) => one_series(key, group.reverse())).sort(by_weight)
}

function one_series(key: string, group: Happening[]): Series {
  const first = group.at(-1)?.resource as Observation
  const points = group.flatMap((one) => point_of(one, one.resource as Observation, one.value ?? measured(one.resource as Observation)) ?? [])
  const parts = new Map<string, { what: Concept; points: Point[] }>()
  for (const one of group) {
    for (const part of (one.resource as Observation).component ?? []) {
      const what = concept(part.code)
      const name = key_of_concept(what)
      if (!name) continue
      if (!parts.has(name)) parts.set(name, { what, points: [] })
      const point = point_of(one, part, measured(part))
      if (point) parts.get(name)?.points.push(point)
    }
  }
  const ordered = [...parts].sort(([a], [b]) => upper_first(a) - upper_first(b))
  return finished(key, group.at(-1)?.what ?? concept(first.code), category_of(first), points, ordered.map(([name, part]) => finished(name, part.what, category_of(first), part.points, [])))
}

function point_of(one: Happening, from: { interpretation?: Observation['interpretation']; referenceRange?: ObservationReferenceRange[] }, value: Measured): Point | null {
  if (one.at === null) return null
  const range = range_of(from.referenceRange)
  return { key: one.key, at: one.at, date: one.date, measured: value, range, side: side_of(value.value, range, from.interpretation?.[0]?.coding?.[0]?.code ?? ''), status: one.status, place: one.place.name, contact: one.contact }
}

function finished(key: string, what: Concept, category: Category, points: Point[], parts: Series[]): Series {
  const figures = points.flatMap((point) => (point.measured.value === null ? [] : [point.measured.value]))
  const units = new Set(points.filter((point) => point.measured.value !== null).map((point) => point.measured.unit))
  const unit = points.findLast((point) => point.measured.unit)?.measured.unit ?? parts[0]?.unit ?? ''
  return { key, what, category, unit, decimals: decimals_of(figures, unit), points, numeric: figures.length > 0 && figures.length === points.length && units.size === 1, parts }
}

const order_of = (category: Category): number => [...categories, 'other'].indexOf(category)
const by_weight = (a: Series, b: Series): number => order_of(a.category) - order_of(b.category) || b.points.length - a.points.length || (a.what.text < b.what.text ? -1 : 1)

/** The two parts of a blood pressure panel, or null for another series. */
export function pressure_of(series: Series): { high: Series; low: Series } | null {
  const high = series.parts.find((part) => part.key === systolic)
  const low = series.parts.find((part) => part.key === diastolic)
  return high && low && high.points.length > 0 ? { high, low } : null
}

/** Measures that a doctor looks at first, as LOINC codes: pressure, HbA1c, glucose, LDL cholesterol, eGFR, weight, BMI. */
const looked_at_first = ['85354-9', '55284-4', '4548-4', '17856-6', '1558-6', '2339-0', '2345-7', '18262-6', '33914-3', '29463-7', '39156-5']

/** The series worth a picture on the first page: those looked at first, then the longest. */
export function leading_series(all: readonly Series[], count: number): Series[] {
  const drawable = all.filter((series) => (pressure_of(series)?.high.points.length ?? 0) >= 2 || (series.numeric && series.points.length >= 2))
  const rank = (series: Series): number => {
    const at = looked_at_first.indexOf(series.key)
    return at < 0 ? looked_at_first.length : at
  }
  return [...drawable].sort((a, b) => rank(a) - rank(b) || b.points.length - a.points.length).slice(0, count)
}

/**
 * Office blood pressure at which hypertension is diagnosed in adults: 140/90 mmHg.
 * Source: Chinese guidelines for the prevention and treatment of hypertension, 2018 revision, section 4 (also 2024).
 */
export const pressure_limit = { high: 140, low: 90 } as const

/** How many of the latest readings in a row lie at or above the limit. */
export function readings_above(pressure: { high: Series; low: Series }): number {
  const low_at = new Map(pressure.low.points.map((point) => [point.key, point.measured.value]))
  let row = 0
  for (const point of [...pressure.high.points].reverse()) {
    const high = point.measured.value
    const low = low_at.get(point.key) ?? null
    if ((high ?? 0) < pressure_limit.high && (low ?? 0) < pressure_limit.low) break
    row += 1
  }
  return row
}

