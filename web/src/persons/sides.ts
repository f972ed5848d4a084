// SPDX-License-Identifier: Apache-2.0
// Two records beside each other: which lines agree, which letters differ, and what the evidence adds up to.
import type { Patient } from 'fhir/r4'
import type { PatientSide, Weight } from '../client/persons'
import { covered, name_text, row_of } from '../people/from_fhir'

export const fields = ['name', 'sex', 'birth_date', 'identifier', 'phone', 'address'] as const
export type Field = (typeof fields)[number]
/** What a resource says beyond that; nobody weighed it, somebody may. */
export const more_fields = ['former', 'numbers', 'birth_order', 'mother', 'marital', 'organization', 'deceased'] as const
export type MoreField = (typeof more_fields)[number]
/** What the engine calls a field. */
const engine: Record<Field, string> = { name: 'name', sex: 'sex', birth_date: 'birth_date', identifier: 'national_id', phone: 'phone', address: 'address' }
const resident_system = 'urn:oid:2.16.156.10011.1.3'

/** missing: one does not say · apart: both say it, and it was not compared */
export type Verdict = 'same' | 'alike' | 'differs' | 'missing' | 'apart'
export interface Line {
  field: Field | MoreField
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

export type More = Record<MoreField, string>
/** What else a Patient says; numbers covered. */
export function more_of(patient: Patient): More {
  const shown = name_text(patient.name)
  const mother = patient.contact?.find((one) => one.relationship?.some((kind) => kind.coding?.some((code) => code.code === 'MTH') || /mother|\u6bcd/i.test(kind.text ?? '')))
  const numbers = (patient.identifier ?? []).filter((one) => one.system !== resident_system && one.value)
  return {
    former: [...new Set((patient.name ?? []).map((one) => name_text([one])).filter((one) => one && one !== shown))].join(' '),
    numbers: [...new Set(numbers.map((one) => covered(one.value ?? '')))].join(' '),
    birth_order: patient.multipleBirthInteger ? String(patient.multipleBirthInteger) : '',
    mother: mother?.name ? name_text([mother.name]) : '',
    marital: patient.maritalStatus?.text ?? patient.maritalStatus?.coding?.[0]?.display ?? patient.maritalStatus?.coding?.[0]?.code ?? '',
    organization: patient.managingOrganization?.display ?? '',
    deceased: patient.deceasedDateTime?.slice(0, 10) ?? '',
  }
}
/** Lines of which at least one side says something. */
export function more_lines(a: More | undefined, b: More | undefined): Line[] {
  return more_fields.map((field): Line => {
    const left = a?.[field] ?? '', right = b?.[field] ?? ''
    return { field, a: left, b: right, weight: null, verdict: !left || !right ? 'missing' : left === right ? 'same' : 'apart' }
  }).filter((one) => one.a || one.b)
}

/** A version of a Patient as a side, for a record that is compared with what it was. */
export function side_of(patient: Patient): PatientSide {
  const row = row_of(patient)
  const number = patient.identifier?.find((one) => one.system === resident_system)?.value ?? ''
  return { ...row, live: true, identifier: covered(number), updated_at: patient.meta?.lastUpdated ?? null }
}
/** Which of a Patient's identifiers is the identity number; -1: none. */
export const resident_at = (patient: Patient): number => (patient.identifier ?? []).findIndex((one) => one.system === resident_system && one.value)
/** The newest version that was somebody else by name, birth or number; versions newest first. */
export function version_before(versions: Patient[]): Patient | undefined {
  const who = (one: Patient): string => [name_text(one.name), one.birthDate, one.identifier?.find((each) => each.system === resident_system)?.value].join('|')
  const now = versions[0]
  return now && versions.find((one) => who(one) !== who(now))
}

export interface Piece {
  text: string
  same: boolean
}
/** `text` in pieces: what the other has too, in this order, and what it has not. */
export function pieces_of(text: string, other: string): Piece[] {
  const mine = [...text], theirs = [...other]
  if (mine.length > 200 || theirs.length > 200) return [{ text, same: text === other }]
  // Lengths of the longest common part of what follows.
  const common = Array.from({ length: mine.length + 1 }, () => new Array<number>(theirs.length + 1).fill(0))
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0
  for (let i = mine.length - 1; i >= 0; --i) for (let j = theirs.length - 1; j >= 0; --j) (common[i] ?? [])[j] = mine[i] === theirs[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const pieces: Piece[] = []
  const add = (letter: string, same: boolean): void => {
    const last = pieces.at(-1)
    if (last?.same === same) last.text += letter
    else pieces.push({ text: letter, same })
  }
  let i = 0, j = 0
  while (i < mine.length) {
    if (j < theirs.length && mine[i] === theirs[j]) {
      add(mine[i] ?? '', true)
      ++i
      ++j
    } else if (j < theirs.length && at(i, j + 1) > at(i + 1, j)) ++j
    else add(mine[i++] ?? '', false)
  }
  return pieces
}

/** Bits for and against, both above zero, and what is left. */
export function sums_of(weights: Weight[]): { supports: number; opposes: number; net: number } {
  const supports = weights.reduce((sum, one) => sum + Math.max(0, one.weight), 0)
  const opposes = weights.reduce((sum, one) => sum + Math.max(0, -one.weight), 0)
  return { supports, opposes, net: supports - opposes }
}
/** How much a weight says, in words. */
export function force_of(weight: number): 'slight' | 'some' | 'strong' | 'very' {
  const bits = Math.abs(weight)
  return bits >= 8 ? 'very' : bits >= 4 ? 'strong' : bits >= 1 ? 'some' : 'slight'
}
/** 1%, 99.98%: never 100%, for nobody is that sure. */
export function percent(probability: number): string {
  const share = probability * 100
  if (share >= 99.99) return '> 99.99%'
  if (share > 0 && share < 0.01) return '< 0.01%'
  return `${share >= 99 || share < 1 ? share.toFixed(2) : share >= 90 ? share.toFixed(1) : share.toFixed(0)}%`
}
