// SPDX-License-Identifier: Apache-2.0
// Two records beside each other: which lines differ, and where the records of a person stand in its picture.
import type { Evidence, PatientSide, Weight } from '../client/persons'

export const fields = ['name', 'sex', 'birth_date', 'identifier', 'phone', 'address'] as const
export type Field = (typeof fields)[number]
/** What the engine calls a field. */
const engine: Record<Field, string> = { name: 'name', sex: 'sex', birth_date: 'birth_date', identifier: 'national_id', phone: 'phone', address: 'address' }

/** missing: one does not say · apart: both say it, and it was not compared */
export type Verdict = 'same' | 'alike' | 'differs' | 'missing' | 'apart'
export interface Line {
  field: Field
  a: string
  b: string
  verdict: Verdict
  weight: Weight | null
}

export function verdict_of(a: string, b: string, weight: Weight | null): Verdict {
  if (!a || !b) return 'missing'
  if (weight) return weight.level === 'exact' ? 'same' : weight.level === 'differs' || weight.level === 'far' ? 'differs' : 'alike'
  return 'apart'
}

export function lines_of(a: PatientSide | undefined, b: PatientSide | undefined, weights: Weight[]): Line[] {
  return fields.map((field) => {
    const weight = weights.find((one) => one.field === engine[field]) ?? null
    const left = a?.[field] ?? '', right = b?.[field] ?? ''
    return { field, a: left, b: right, weight, verdict: verdict_of(left, right, weight) }
  })
}

export interface Dot {
  id: string
  x: number
  y: number
}
/** Records on a circle, the first one at the top; one record in the middle. */
export function dots_of(records: PatientSide[], width: number, height: number): Dot[] {
  const margin = 46
  if (records.length === 1 && records[0]) return [{ id: records[0].id, x: width / 2, y: height / 2 }]
  return records.map((record, at) => {
    const turn = (at / records.length) * 2 * Math.PI - Math.PI / 2
    return { id: record.id, x: width / 2 + (width / 2 - margin * 1.6) * Math.cos(turn), y: height / 2 + (height / 2 - margin) * Math.sin(turn) }
  })
}
/** Links between records of the picture; those to others are left out. */
export const inside = (links: Evidence[], dots: Dot[]): Evidence[] => links.filter((one) => dots.some((dot) => dot.id === one.a) && dots.some((dot) => dot.id === one.b))
