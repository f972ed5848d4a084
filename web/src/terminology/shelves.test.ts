// SPDX-License-Identifier: Apache-2.0
// Systems in order, editions in force, why a concept was found, where a file is wrong.
import { describe, expect, it } from 'vitest'
import type { CodeSystemInfo, Concept } from '../client/terminology'
import { complaint_of_file, fits, force_of, is_unverified, is_unwritten, line_in, marked, own_first, short_name, title_of, translations_of } from './shelves'

const system = (title: string, count: number): CodeSystemInfo => ({ url: title, name: title, title, version: '1', versions: ['1'], count, hierarchical: false, languages: [], source: '', in_force_from: null, in_force_to: null })
const found = (more: Partial<Concept>): Concept => ({ code: 'I10', display: '原发性高血压', display_en: 'Hypertension', pinyin: 'Yuánfāxìng gāoxuèyā', children: 0, parents: [], active: true, ...more })
const text = (pieces: { text: string; on: boolean }[]): string => pieces.map((piece) => (piece.on ? `[${piece.text}]` : piece.text)).join('')

describe('systems', () => {
  it('have the own ones first, the largest of them first', () => {
    const { own, others } = own_first([system('Zebra', 900), system('性别', 4), system('疾病', 33304), system('Account status', 5)])
    expect([own.map((one) => one.title), others.map((one) => one.title)]).toEqual([['疾病', '性别'], ['Account status', 'Zebra']])
  })
  it('are found by every word, in any of their names', () => {
    expect(fits('icd 临床', '疾病分类国家临床版', 'ICD-10')).toBe(true)
    expect(fits('icd 手术', '疾病分类国家临床版', 'ICD-10')).toBe(false)
    expect(fits('', null)).toBe(true)
  })
  it('are in force between their days, both included', () => {
    const on = (from: string | null, to: string | null): string => force_of({ in_force_from: from, in_force_to: to }, '2026-11-22')
    expect([on('2026-11-22', null), on(null, '2026-11-22'), on('2026-11-23', null), on('2020-01-01', '2026-11-21'), on(null, null)]).toEqual(['now', 'now', 'not_yet', 'over', 'open'])
  })
})

describe('a found concept', () => {
  it('shows the pinyin only where it is the reason', () => {
    expect(marked(found({ matched: 'text' }), '高血压').pinyin).toEqual([])
    expect(text(marked(found({ matched: 'text' }), '高血压').display)).toBe('原发性[高血压]')
    expect(text(marked(found({ matched: 'initials' }), 'gxy').pinyin)).toBe('Yuánfāxìng [g]āo[x]uè[y]ā')
    expect(text(marked(found({ matched: 'pinyin' }), 'gaoxue').pinyin)).toBe('Yuánfāxìng [gāoxuè]yā')
    expect(text(marked(found({ matched: 'code' }), 'i1').code)).toBe('[I1]0')
  })
})

describe('an address', () => {
  it('is known by its end', () => {
    expect(['http://hl7.org/fhir/ValueSet/address-use', 'urn:xinglin:valueset:icd-10', 'http://snomed.info/sct?fhir_vs'].map(short_name)).toEqual(['address-use', 'icd-10', 'sct'])
    expect([is_unverified('UNVERIFIED: from memory'), is_unverified('verified'), is_unverified(null)]).toEqual([true, false, false])
  })
})

describe('a translation', () => {
  it('is read out of its Parameters', () => {
    expect(translations_of({ resourceType: 'Parameters', parameter: [{ name: 'result', valueBoolean: true }, { name: 'match', part: [{ name: 'equivalence', valueCode: 'wider' }, { name: 'concept', valueCoding: { system: 's', code: 'c', display: 'd' } }] }, { name: 'match', part: [] }] })).toEqual([{ map: '', system: 's', code: 'c', display: 'd', equivalence: 'wider' }])
  })
})

describe('a file of an edition', () => {
  it('is looked at before it is sent', () => {
    expect(complaint_of_file('\ufeff"code","display"\r\nA,"b"')).toBeNull()
    expect(complaint_of_file('  \n')).toBe('empty')
    expect(complaint_of_file('a,b\n1,2')).toBe('no_head')
    expect(complaint_of_file('code,display\n')).toBe('no_rows')
  })
  it('shows the line an error names', () => {
    expect(line_in('code,display\nA,x\n,y', 'line 3, column 1')).toEqual({ line: 3, content: ',y' })
    expect(line_in('a', 'line 9')).toBeNull()
    expect(line_in('a', 'version')).toBeNull()
  })
})

describe('a definition', () => {
  it('that was published as a note to its author is none', () => {
    expect(['***TODO***', 'TODO', ' tbd. ', '**** TODO ****'].every(is_unwritten)).toBe(true)
    expect(['', null, undefined, 'To do the washing', 'TODO list of the ward'].some(is_unwritten)).toBe(false)
  })
})

describe('a title', () => {
  it('is a name in the language of the reader, never an address', () => {
    const sex = { title: '生理性别代码', title_en: 'Sex', name: 'SexGbt2261_1' }
    expect([title_of(sex, 'zh-CN'), title_of(sex, 'en')]).toEqual(['生理性别代码', 'Sex'])
    expect(title_of({ title: 'urn:oid:2.16.840.1.113883.6.1', title_en: null, name: '2.16.840.1.113883.6.1' }, 'en')).toBe('')
    expect(title_of({ title: '', name: 'v2.0001' }, 'zh-CN')).toBe('v2.0001')
  })
})
