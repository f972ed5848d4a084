// SPDX-License-Identifier: Apache-2.0
// What may be done to which entries, and how they are called.
import { describe, expect, it } from 'vitest'
import type { Entry } from '../client/registry'
import { code_of, is_scanned, commands_for, marks_of, page_of, system_key } from './saying'

const of = (kind: Entry['kind'], state: Entry['state'] = 'active'): Pick<Entry, 'kind' | 'state'> => ({ kind, state })

describe('entries of the registries', () => {
  it('offer what fits all of the chosen', () => {
    expect(commands_for([])).toEqual([])
    expect(commands_for([of('institution')])).toEqual(['rename', 'recode', 'move', 'merge', 'area', 'class', 'period', 'map', 'close'])
    expect(commands_for([of('bed'), of('bed')])).toEqual(['move', 'bed_state', 'period', 'close'])
    expect(commands_for([of('bed'), of('institution', 'inactive')])).toEqual([])
    expect(commands_for([of('drug', 'inactive')])).toEqual(['map', 'reopen'])
    expect(commands_for([of('practitioner')])).toEqual(['rename', 'recode', 'merge', 'period', 'map', 'close'])
  })
  it('are called by the code of their register', () => {
    expect(code_of({ codes: [{ system: 'urn:xinglin:identifier:uscc', value: '91' }, { system: 'urn:oid:2.16.156.10011.1.5', value: 'renmin' }] })).toBe('renmin')
    expect(code_of({ codes: [{ system: 'x', value: '7' }] })).toBe('7')
    expect(code_of({ codes: [] })).toBe('')
    expect(system_key('urn:xinglin:identifier:uscc')).toBe('credit')
    expect(system_key('else')).toBe('')
  })
  it('have a page each', () => {
    expect(page_of('Organization/a/b')).toEqual({ name: 'registry-entry', params: { type: 'Organization', id: 'a/b' } })
  })
  it('that stand at one place are one mark', () => {
    const at = (x: number, y: number): Entry => ({ position: [x, y], name: '', codes: [] }) as unknown as Entry
    const marks = marks_of([at(1, 1), at(1.2, 1), at(90, 90), { name: '' } as unknown as Entry], ([x, y]) => [x, y])
    expect(marks.map((mark) => mark.entries.length)).toEqual([2, 1])
  })
  it('are asked for by scanners, too', () => {
    for (const text of ['(01)06912345678901(17)251231', '01069123456789011725123110A', '81234560123456789012', ']d20106912345678901']) expect(is_scanned(text)).toBe(true)
    for (const text of ['renmin', '130303101001', '人民医院', '(甲)']) expect(is_scanned(text)).toBe(false)
  })
})
