// SPDX-License-Identifier: Apache-2.0
// Where values stand in a text, and what the first fault of a broken one is.
import { describe, expect, it } from 'vitest'
import { line_of, locate, read_json } from './json_text'

const patient = `{
  "resourceType": "Patient",
  "name": [
    { "family": "Wang", "given": ["Gui", "Lan"] },
    { "text": "x" }
  ],
  "valueQuantity": { "value": 1 },
  "_birthDate": { "extension": [] }
}`

describe('a text that can be read', () => {
  it('has the value JSON.parse has', () => {
    for (const text of [patient, '[]', ' {"a":[1,-2.5e3,true,null,"\\u4e2d\\n"]} ', '"x"', '0']) expect(read_json(text)).toMatchObject({ value: JSON.parse(text), fault: null })
  })
  it('knows the place of each value by its path', () => {
    const { places } = read_json(patient)
    const at = (path: string): string => patient.slice(places.get(path)?.from, places.get(path)?.to)
    expect(at('name[0].given[1]')).toBe('"Lan"')
    expect(at('name[1].text')).toBe('"text": "x"')
    expect(at('')).toBe(patient)
    expect(line_of(patient, places.get('name[1]')?.from ?? 0)).toEqual({ line: 5, column: 5 })
  })
  it('keeps members whose names mean something to JavaScript', () => {
    expect(Object.keys(read_json('{"__proto__":1,"constructor":2}').value as object)).toEqual(['__proto__', 'constructor'])
  })
})

describe('a text that is broken', () => {
  const why = (text: string): unknown[] => {
    const { fault, value } = read_json(text)
    expect(value).toBeUndefined()
    expect(() => JSON.parse(text) as unknown).toThrow()
    return [fault?.why, fault?.at]
  }
  it('names the first fault and its place', () => {
    expect(why('{"a" 1}')).toEqual(['colon', 5])
    expect(why('{"a":1 "b":2}')).toEqual(['comma', 7])
    expect(why('{"a":1,}')).toEqual(['name', 7])
    expect(why('{a:1}')).toEqual(['name', 1])
    expect(why('[1,]')).toEqual(['value', 3])
    expect(why('{"a":tru}')).toEqual(['value', 5])
    expect(why('{"a":01}')).toEqual(['number', 5])
    expect(why('{"a":"x\n"}')).toEqual(['string', 5])
    expect(why('{"a":1')).toEqual(['end', 6])
    expect(why('')).toEqual(['end', 0])
    expect(why('{} x')).toEqual(['extra', 3])
  })
  it('is refused where a name stands twice, which JSON.parse would let pass', () => {
    expect(read_json('{"a":1,"a":2}').fault).toEqual({ at: 7, why: 'twice', found: 'a' })
  })
  it('is refused when it is nested without end', () => {
    expect(read_json('['.repeat(5000)).fault?.why).toBe('deep')
  })
})

describe('an expression', () => {
  const value = read_json(patient).value
  it('leads to the value it names', () => {
    expect(locate(value, 'Patient.name[0].given[1]')).toEqual({ path: 'name[0].given[1]', exact: true })
    expect(locate(value, 'name[1].text')).toEqual({ path: 'name[1].text', exact: true })
    expect(locate(value, 'Patient')).toEqual({ path: '', exact: true })
  })
  it('finds choices and companions under their written names', () => {
    expect(locate(value, 'Patient.value.ofType(Quantity).value')).toEqual({ path: 'valueQuantity.value', exact: true })
    expect(locate(value, 'Patient.value[x]')).toEqual({ path: 'valueQuantity', exact: true })
    expect(locate(value, 'Patient.birthDate')).toEqual({ path: '_birthDate', exact: true })
  })
  it('leads to the nearest place there is', () => {
    expect(locate(value, 'Patient.name[0].period.start')).toEqual({ path: 'name[0]', exact: false })
    expect(locate(value, 'Patient.name[7].given')).toEqual({ path: 'name', exact: false })
    expect(locate(value, 'Patient.gender')).toEqual({ path: '', exact: false })
    expect(locate(value, "Patient.name.where(use = 'official').given")).toEqual({ path: 'name', exact: true })
    expect(locate(undefined, 'Patient.name')).toEqual({ path: '', exact: false })
  })
})
