// SPDX-License-Identifier: Apache-2.0
// Columns that are picked: their paths, their names, where they go.
import { describe, expect, it } from 'vitest'
import { column_names, draft, is_view_name, path_in_rows, path_of, snake, with_column, type Picked, type Step } from './definition'

const step = (name: string, many = false, choice = ''): Step => ({ name, many, choice })
const primitive = (name: string, ...steps: Step[]): Picked => ({ steps, type: { name, kind: 'primitive', targets: [] } })
const reference = (targets: string[], ...steps: Step[]): Picked => ({ steps, type: { name: 'Reference', kind: 'complex', targets } })
const family = primitive('string', step('name', true), step('family'))

describe('a path', () => {
  it('takes the first where there could be several', () => {
    expect(path_of(primitive('date', step('birthDate')))).toBe('birthDate')
    expect(path_of(family)).toBe('name.first().family')
    expect(path_of(primitive('string', step('name', true), step('given', true)))).toBe('name.given.first()')
  })
  it('names the type of a choice', () => {
    expect(path_of(primitive('decimal', step('value', false, 'Quantity'), step('value')))).toBe('value.ofType(Quantity).value')
  })
  it('asks for keys, not for addresses', () => {
    expect(path_of(primitive('id', step('id')))).toBe('getResourceKey()')
    expect(path_of(reference(['Patient', 'Group'], step('subject')))).toBe('subject.getReferenceKey(Patient)')
    expect(path_of(reference(['Organization'], step('performer', true)))).toBe('performer.first().getReferenceKey(Organization)')
    expect(path_of(reference([], step('focus')))).toBe('focus.getReferenceKey()')
  })
  it('is cut after the last that repeats, for a row each', () => {
    expect(path_in_rows(family)).toEqual({ for_each: 'name', path: 'family' })
    expect(path_in_rows(primitive('string', step('name', true), step('given', true)))).toEqual({ for_each: 'name.given', path: '$this' })
  })
})

describe('a column', () => {
  const start = draft('Patient')
  it('joins the columns without rows of their own', () => {
    const { definition, name } = with_column(start, primitive('date', step('birthDate')), false)
    expect(name).toBe('birth_date')
    expect(definition.select).toEqual([{ column: [{ path: 'getResourceKey()', name: 'id', type: 'string' }, { path: 'birthDate', name: 'birth_date', type: 'date' }] }])
    expect(column_names(start.select ?? [])).toEqual(['id'])
  })
  it('joins the rows that are there already', () => {
    const once = with_column(start, family, true).definition
    const twice = with_column(once, primitive('code', step('name', true), step('use')), true).definition
    expect(twice.select?.[1]).toEqual({ forEach: 'name', column: [{ path: 'family', name: 'name_family', type: 'string' }, { path: 'use', name: 'name_use', type: 'code' }] })
  })
  it('never takes a name twice, nor one that is deeper in', () => {
    const nested = { ...start, select: [{ select: [{ column: [{ path: 'gender', name: 'gender' }] }] }] }
    expect(with_column(nested, primitive('code', step('gender')), false).name).toBe('gender_2')
    expect(with_column(start, reference(['Patient'], step('subject')), false).name).toBe('subject_id')
  })
  it('finds its place in a definition without selects', () => {
    expect(with_column({ resourceType: 'ViewDefinition', select: 'x' as unknown as [] }, primitive('date', step('birthDate')), false).definition.select).toHaveLength(1)
  })
})

describe('names', () => {
  it('are those of tables', () => {
    expect(['blood_pressure', 'A1'].every(is_view_name)).toBe(true)
    expect(['', '1a', '_a', 'a-b', 'a b', 'x'.repeat(64), 5].some(is_view_name)).toBe(false)
    expect(snake('birthDate')).toBe('birth_date')
  })
})
