// SPDX-License-Identifier: Apache-2.0
import type { Patient } from 'fhir/r4'
import { describe, expect, it } from 'vitest'
import { force_of, lines_of, more_lines, more_of, percent, pieces_of, sums_of, version_before } from './sides'

describe('records side by side', () => {
  it('mark what differs by the evidence, not by how it is masked', () => {
    const lines = lines_of({ id: 'a', live: true, name: '马雨桐', phone: '160****1111' }, { id: 'b', live: true, name: '马宇桐', phone: '160****1111' }, [
      { field: 'name', level: 'close', weight: 4 },
      { field: 'phone', level: 'differs', weight: -3 },
    ])
    expect(lines.find((one) => one.field === 'name')?.verdict).toBe('alike')
    expect(lines.find((one) => one.field === 'phone')?.verdict).toBe('differs')
    expect(lines.find((one) => one.field === 'address')?.verdict).toBe('missing')
  })
  it('mark the letters that the other side has not', () => {
    expect(pieces_of('马雨桐', '马宇桐')).toEqual([{ text: '马', same: true }, { text: '雨', same: false }, { text: '桐', same: true }])
    expect(pieces_of('130399198508170427', '130399198507810427').filter((one) => !one.same).map((one) => one.text).join('')).toHaveLength(1)
    expect(pieces_of('', 'x')).toEqual([])
    expect(pieces_of('𠮷田', '吉田')[0]).toEqual({ text: '𠮷', same: false }) // a character of two code units stays whole
    for (const [a, b] of [['abcde', 'xbxdx'], ['', ''], ['长安街17号', '长安大街17号']] as const) expect(pieces_of(a, b).map((one) => one.text).join('')).toBe(a)
  })
  it('tell what else the resources say, numbers covered', () => {
    const patient: Patient = { resourceType: 'Patient', name: [{ use: 'official', text: '张伟' }, { use: 'old', text: '张卫' }], identifier: [{ system: 'urn:oid:2.16.156.10011.1.3', value: '130399198508170427' }, { system: 'urn:h', value: 'H123456789' }], multipleBirthInteger: 2 }
    const more = more_of(patient)
    expect(more.former).toBe('张卫')
    expect(more.numbers).toBe('H123**6789')
    const lines = more_lines(more, { ...more, birth_order: '1' })
    expect(lines.map((one) => [one.field, one.verdict])).toEqual([['former', 'same'], ['numbers', 'same'], ['birth_order', 'apart']])
  })
  it('compare a record that became somebody else with what it was', () => {
    const version = (text: string, updated: string): Patient => ({ resourceType: 'Patient', name: [{ text }], meta: { lastUpdated: updated } })
    expect(version_before([version('李四', '3'), version('李四', '2'), version('张三', '1')])?.meta?.lastUpdated).toBe('1')
    expect(version_before([version('李四', '3')])).toBeUndefined()
  })
})

describe('the evidence', () => {
  it('adds up', () => {
    expect(sums_of([{ field: 'name', level: 'exact', weight: 9 }, { field: 'phone', level: 'differs', weight: -3 }])).toEqual({ supports: 9, opposes: 3, net: 6 })
    expect([force_of(9), force_of(-5), force_of(1.5), force_of(-0.2)]).toEqual(['very', 'strong', 'some', 'slight'])
  })
  it('never says a hundred per cent', () => {
    expect([percent(1), percent(0.999), percent(0.5), percent(0.00001)]).toEqual(['> 99.99%', '99.90%', '50%', '< 0.01%'])
  })
})
