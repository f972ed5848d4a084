// SPDX-License-Identifier: Apache-2.0
// Samples read as spreadsheets write them; mappings changed without losing what this page does not know.
import { describe, expect, it } from 'vitest'
import { assigned, code_rows, complaint_of, mapping_of, taken_as, targets_of, text_of, with_code, type Mapping } from './draft'
import { base64_of, columns_of, complaint_of_sample, delimiter_of, examples, kind_of, rows_of, text_in } from './sample'

const mapping: Mapping = {
  mapping: 'visits', version: '1', own: { kept: true },
  columns: { name: { headers: ['Name', 'Patient name'], required: true }, born: { headers: ['Born'], kind: 'date' }, sex: { headers: ['Sex'], kind: 'code', codes: 'sex' }, number: { headers: ['No'] } },
  codes: { sex: { system: 'urn:x', values: { m: 'male', F: { code: 'female', display: 'Female' } }, unknown: 'keep' } },
  resources: [{ name: 'patient', type: 'Patient', key: ['mrn', '$number'], set: { 'name[0].text': '$name', birthDate: { $first: ['$born', '$id.birth_date'] }, gender: '$sex' } }, { name: 'visit', type: 'Encounter', set: { 'identifier.value': 'visit {number} of {name}', status: 'finished' } }],
}

describe('a sample', () => {
  it('is read with quotes, blanks and line ends of every kind', () => {
    expect(rows_of('a,b\r\n"x, ""y""","two\r\nlines"\r\n', ',', 10)).toEqual([['a', 'b'], ['x, "y"', 'two\r\nlines']])
    expect(rows_of('\ufeffa\n\nb\rc', ',', 10)).toEqual([['a'], ['b'], ['c']])
    expect(rows_of('a,b\n"never closed', ',', 10)).toEqual([['a', 'b'], ['never closed']])
    expect(rows_of('a\nb\nc', ',', 2)).toEqual([['a'], ['b']])
    expect(rows_of('', ',', 10)).toEqual([])
  })
  it('says its delimiter itself', () => {
    expect(['a,b\n1,2', 'a;b;c\n1,5;2;3\n1,6;3;3', 'a\tb\n1\t2', 'a|b|c\n1|2|3', 'alone'].map(delimiter_of)).toEqual([',', ';', '\t', '|', ','])
  })
  it('has columns with values, the different ones first', () => {
    const columns = columns_of('name,sex,\nA,m,\nB,f,\nC,m,\n')
    expect(columns.map((column) => column.header)).toEqual(['name', 'sex'])
    expect(examples(columns[1]?.values ?? [])).toEqual(['m', 'f'])
  })
  it('is UTF-8 or what Chinese spreadsheets write', () => {
    expect(text_in(new TextEncoder().encode('name'))).toBe('name')
    expect(text_in(new Uint8Array([0xd0, 0xd5, 0xc3, 0xfb]))).toBe('\u59d3\u540d')
  })
  it('is refused before it is sent when it can’t be read', () => {
    expect([kind_of('a.CSV'), kind_of('a.xlsx'), kind_of('a.xls')]).toEqual(['csv', 'xlsx', null])
    expect([complaint_of_sample({ name: 'a.pdf', size: 1 }), complaint_of_sample({ name: 'a.csv', size: 0 }), complaint_of_sample({ name: 'a.csv', size: 9e6 }), complaint_of_sample({ name: 'a.csv', size: 9 })]).toEqual(['kind', 'empty', 'large', null])
    expect(base64_of(new Uint8Array([0, 255, 128]))).toBe('AP+A')
  })
})

describe('a mapping', () => {
  it('says where each of its columns goes', () => {
    const targets = targets_of(mapping)
    expect(targets.map((target) => [target.name, target.goes])).toEqual([['name', ['Patient.name.text', 'Encounter.identifier.value']], ['born', ['Patient.birthDate']], ['sex', ['Patient.gender']], ['number', ['Encounter.identifier.value']]])
    expect(targets[0]).toMatchObject({ required: true, kind: 'text' })
  })
  it('takes a header for one column and no other', () => {
    expect(taken_as(mapping, ' patient  NAME')).toEqual(['name'])
    const changed = assigned(mapping, 'Born', 'number')
    expect([taken_as(changed, 'born'), changed.columns['number']?.headers, changed.columns['born']?.headers]).toEqual([['number'], ['Born', 'No'], []])
    expect(taken_as(assigned(mapping, 'Sex', ''), 'Sex')).toEqual([])
    expect(mapping.columns['born']?.headers).toEqual(['Born'])
    expect(changed['own']).toEqual({ kept: true })
  })
  it('shows values that no code stands for first', () => {
    expect(code_rows(mapping.codes?.['sex'], ['M', 'f', 'x', 'x', ''])).toEqual([{ text: 'x', code: '', display: '', seen: 2 }, { text: 'm', code: 'male', display: '', seen: 1 }, { text: 'F', code: 'female', display: 'Female', seen: 1 }])
    expect(code_rows(undefined, ['a'])).toEqual([{ text: 'a', code: '', display: '', seen: 1 }])
    const changed = with_code(with_code(with_code(mapping, 'sex', 'x', ' other '), 'sex', 'F', 'woman'), 'sex', 'm', '')
    expect(changed.codes?.['sex']).toEqual({ system: 'urn:x', unknown: 'keep', values: { F: { code: 'woman', display: 'Female' }, x: 'other' } })
    expect(mapping.codes?.['sex']?.values?.['m']).toBe('male')
  })
  it('that is none says so before it is sent', () => {
    expect(mapping_of(text_of(mapping))).toEqual(mapping)
    expect([mapping_of('nonsense'), mapping_of('[]'), mapping_of('{"columns":{},"resources":[1]}')]).toEqual([null, null, null])
    expect([complaint_of('x'), complaint_of(text_of({ ...mapping, mapping: 'Visits' })), complaint_of(text_of({ ...mapping, version: '' })), complaint_of(text_of(mapping))]).toEqual(['json', 'name', 'version', null])
  })
})
