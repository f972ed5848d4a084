// SPDX-License-Identifier: Apache-2.0
// A ViewDefinition as the editor changes it: the first draft, a column for an element, what a path looks like.
// Source: SQL on FHIR v2 (https://sql-on-fhir.org/ig/), ViewDefinition and its required FHIRPath functions.
import type { Element, ElementType } from '../client/views'

export interface Column {
  path: string
  name: string
  type?: string
  collection?: boolean
}
export interface Select {
  column?: Column[]
  forEach?: string
  forEachOrNull?: string
  select?: Select[]
}
export interface Definition {
  resourceType: string
  name?: string
  resource?: string
  select?: Select[]
  [member: string]: unknown
}

/** One step from the resource down to a value. */
export interface Step {
  name: string
  /** May stand more than once. */
  many: boolean
  /** The type chosen where several are possible (value[x]). */
  choice: string
}
export interface Picked {
  steps: readonly Step[]
  type: ElementType
}

export const is_definition = (value: unknown): value is Definition => typeof value === 'object' && value !== null && !Array.isArray(value)

export function draft(resource: string): Definition {
  return {
    resourceType: 'ViewDefinition',
    name: `my_${snake(resource)}`,
    status: 'draft',
    resource,
    select: [{ column: [{ path: 'getResourceKey()', name: 'id', type: 'string' }] }],
  }
}

export const written = (definition: unknown): string => JSON.stringify(definition, null, 2)

/** "birthDate" → "birth_date" */
export const snake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()

export const step_of = (element: Element, type: ElementType): Step => ({ name: element.name, many: element.max === null || element.max > 1, choice: element.choice ? type.name : '' })

const segment = (step: Step): string => (step.choice ? `${step.name}.ofType(${step.choice})` : step.name)

/** What is read from the last step: the value itself, or the key a reference points to. */
function tail(picked: Picked): string {
  if (picked.type.name !== 'Reference') return ''
  const target = picked.type.targets.length === 1 ? picked.type.targets[0] : picked.type.targets.find((one) => one === 'Patient')
  return target && target !== 'Resource' ? `getReferenceKey(${target})` : 'getReferenceKey()'
}

export function is_repeated(picked: Picked): boolean {
  return picked.steps.some((step) => step.many)
}

/** The path of one value: the first where there could be several. */
export function path_of(picked: Picked): string {
  if (picked.steps.length === 1 && picked.steps[0]?.name === 'id') return 'getResourceKey()'
  const last_many = picked.steps.map((step) => step.many).lastIndexOf(true)
  const parts = picked.steps.map((step, at) => (at === last_many ? `${segment(step)}.first()` : segment(step)))
  return [...parts, tail(picked)].filter(Boolean).join('.')
}

/** For a row each: what to go through, and the path within one of them. */
export function path_in_rows(picked: Picked): { for_each: string; path: string } {
  const last_many = picked.steps.map((step) => step.many).lastIndexOf(true)
  const inner = [...picked.steps.slice(last_many + 1).map(segment), tail(picked)].filter(Boolean).join('.')
  return { for_each: picked.steps.slice(0, last_many + 1).map(segment).join('.'), path: inner || '$this' }
}

/** Names of all columns, however deep. */
export function column_names(selects: readonly Select[]): string[] {
  return selects.flatMap((select) => [...(select.column ?? []).map((column) => column.name), ...column_names(select.select ?? [])])
}

function name_for(picked: Picked, taken: readonly string[]): string {
  const words = picked.steps.map((step) => snake(step.name)).filter((word, at, all) => word !== all[at - 1])
  const short = words.join('_') + (picked.type.name === 'Reference' ? '_id' : '')
  let name = short
  for (let n = 2; taken.includes(name); n++) name = `${short}_${n}`
  return name
}

/** The definition with one more column; the given one stays as it is. */
export function with_column(definition: Definition, picked: Picked, rows: boolean): { definition: Definition; name: string } {
  const selects: Select[] = Array.isArray(definition.select) ? structuredClone(definition.select) : []
  const name = name_for(picked, column_names(selects))
  const type = picked.type.kind === 'primitive' ? picked.type.name : 'string'
  if (rows && is_repeated(picked)) {
    const { for_each, path } = path_in_rows(picked)
    const column: Column = { path, name, type }
    const held = selects.find((select) => (select.forEach ?? select.forEachOrNull) === for_each)
    if (held) held.column = [...(held.column ?? []), column]
    else selects.push({ forEach: for_each, column: [column] })
  } else {
    const column: Column = { path: path_of(picked), name, type }
    const held = selects.find((select) => select.forEach === undefined && select.forEachOrNull === undefined)
    if (held) held.column = [...(held.column ?? []), column]
    else selects.unshift({ column: [column] })
  }
  return { definition: { ...definition, select: selects }, name }
}

/** The server keeps a view as a table of this name. */
export const is_view_name = (name: unknown): name is string => typeof name === 'string' && /^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name)
