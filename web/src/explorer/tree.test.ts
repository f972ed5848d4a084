// SPDX-License-Identifier: Apache-2.0
// The readable tree: numbers as written, shapes told apart, narratives without markup.
import { describe, expect, it } from 'vitest'
import { branches, is_object, parse_written, plain_text, system_name, target_of, Written, type Branch } from './tree'

function tree(text: string): Branch[] {
  const value = parse_written(text)
  if (!is_object(value)) throw new Error('expected an object')
  return branches(value)
}
const leaf = (text: string): unknown => tree(`{"x":${text}}`)[0]?.leaf

describe('numbers', () => {
  it('keep their written zeros', () => {
    expect(parse_written('{"a":5.00,"b":-1e3,"c":"7.0"}')).toEqual({ a: new Written('5.00'), b: new Written('-1e3'), c: '7.0' })
  })
  it('inside text stay text', () => {
    expect(parse_written('["a \\" 5.0 b", "\\\\", 1]')).toEqual(['a " 5.0 b', '\\', new Written('1')])
  })
  it('broken JSON is refused', () => {
    expect(() => parse_written('{"a":')).toThrow(SyntaxError)
  })
})

describe('one line', () => {
  it('for a concept, with its codes', () => {
    expect(leaf('{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Height"}],"text":"Body height"}')).toEqual({ is: 'concept', text: 'Body height', codes: [{ system: 'http://loinc.org', code: '8302-2', display: 'Height' }] })
    expect(leaf('{"system":"s","code":"c"}')).toEqual({ is: 'concept', text: '', codes: [{ system: 's', code: 'c', display: '' }] })
  })
  it('for a reference, which may lead somewhere', () => {
    expect(leaf('{"reference":"Patient/7","display":"Ann"}')).toEqual({ is: 'reference', text: 'Ann', to: { type: 'Patient', id: '7' }, address: 'Patient/7' })
    expect(leaf('{"identifier":{"value":"A1"},"display":""}')).toMatchObject({ is: 'reference', text: 'A1', to: null })
    for (const [address, to] of [['Patient/7/_history/3', '7'], ['#inside', undefined], ['urn:uuid:Patient/7', undefined], ['https://elsewhere.example/fhir/Patient/7', undefined], ['Patient/../x', undefined]] as const) expect([address, target_of(address)?.id]).toEqual([address, to])
  })
  it('for quantities, ranges, ratios', () => {
    expect(leaf('{"value":5.40,"unit":"mmol/L","comparator":"<"}')).toEqual({ is: 'quantity', text: '< 5.40', unit: 'mmol/L' })
    expect(leaf('{"low":{"value":4,"unit":"g"},"high":{"value":6.0,"unit":"g"}}')).toEqual({ is: 'text', text: '4 g – 6.0 g' })
  })
  it('for names of both orders', () => {
    expect(leaf('{"family":"王","given":["桂","兰"]}')).toEqual({ is: 'text', text: '王桂兰' })
    expect(leaf('{"use":"official","family":"Roe","given":["Ann","B"],"prefix":["Dr."]}')).toEqual({ is: 'text', text: 'Dr. Ann B Roe' })
  })
  it('for moments and flags, but a year alone stays a number of words', () => {
    expect(leaf('"2026-11-22T08:00:00Z"')).toEqual({ is: 'moment', text: '2026-11-22T08:00:00Z' })
    expect(leaf('true')).toEqual({ is: 'flag', on: true })
    expect(leaf('"1234"')).toEqual({ is: 'text', text: '1234' })
  })
  it('not for bytes', () => {
    expect(leaf(`{"contentType":"image/png","data":"${'A'.repeat(400)}"}`)).toEqual({ is: 'data', bytes: 300, kind: 'image/png', title: '' })
  })
})

describe('branches', () => {
  it('number what repeats and open what has members', () => {
    const found = tree('{"name":[{"text":"a"},{"text":"b"}],"component":[{"code":{"text":"c"},"valueString":"v"}]}')
    expect(found.map((one) => [one.name, one.index, one.children.map((child) => child.name)])).toEqual([['name', 1, []], ['name', 2, []], ['component', 0, ['code', 'valueString']]])
  })
  it('name extensions by the end of their address', () => {
    const [one] = tree('{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/us-core-race","extension":[{"url":"text","valueString":"x"}]}]}')
    expect([one?.name, one?.children[0]?.name, one?.children[0]?.leaf]).toEqual(['us-core-race', 'text', { is: 'text', text: 'x' }])
  })
  it('say why a value is absent', () => {
    const [one] = tree('{"_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}}')
    expect([one?.name, one?.leaf]).toEqual(['birthDate', { is: 'absent', why: 'unknown' }])
  })
})

describe('words', () => {
  it('of a narrative lose their markup', () => {
    expect(plain_text('<div xmlns="x"><p>A &amp; B<br/>C</p><script>alert(1)</script>&#x738b;&#0;</div>')).toBe('A & B\nC\nalert(1) 王&#0;')
  })
  it('of a system are short', () => {
    expect([system_name('http://loinc.org'), system_name('urn:oid:1.2.3'), system_name('http://example.org/codes/local')]).toEqual(['LOINC', '1.2.3', 'local'])
  })
})
