// SPDX-License-Identifier: Apache-2.0
// A complaint stands at its line and at its branch.
import { describe, expect, it } from 'vitest'
import type { FailureIssue } from '../client/call'
import { read_json } from '../parts/json_text'
import { by_branch, counted, marks_of, missing_part, placed } from './issues'
import { branches, is_object, parse_written } from './tree'

const text = `{
  "resourceType": "Patient",
  "name": [
    { "family": "王", "given": ["桂", ""] }
  ],
  "birthDate": "12-3-1959",
  "extension": [ { "url": "http://x/y", "valueCode": "z" } ],
  "contact": [ { "name": { "family": "" } }, { "gender": "x" } ]
}`
const issue = (severity: FailureIssue['severity'], where: string): FailureIssue => ({ severity, code: 'value', where, message: where, rule: '' })
const all = placed([issue('warning', 'Patient.name[0].given[1]'), issue('error', 'Patient.birthDate'), issue('error', 'Patient.gender'), issue('error', 'Patient.contact[1].gender'), issue('error', 'Patient.extension[0].value')], text, read_json(text))

describe('a complaint', () => {
  it('stands at its line, the worst first', () => {
    expect(marks_of(all).map((mark) => [mark.line, mark.status, mark.text])).toEqual([
      [1, 'critical', 'gender　Patient.gender'],
      [6, 'critical', 'Patient.birthDate'],
      [7, 'critical', 'Patient.extension[0].value'],
      [8, 'critical', 'Patient.contact[1].gender'],
      [4, 'warning', 'Patient.name[0].given[1]'],
    ])
  })
  it('names what is not there', () => {
    expect(all.map(missing_part)).toEqual(['gender', '', '', '', ''])
    expect(counted(all)).toEqual({ errors: 4, warnings: 1 })
  })
  it('stands at the deepest branch that holds it', () => {
    const value = parse_written(text)
    const tree = is_object(value) ? branches(value, ['resourceType']) : []
    expect([...by_branch(all, tree)].map(([path, held]) => [path, held.length])).toEqual([['', 1], ['birthDate', 1], ['extension[0]', 1], ['contact[1].gender', 1], ['name[0]', 1]])
  })
  it('stands at the whole when the text can’t be read', () => {
    expect(placed([issue('error', 'Patient.name')], '{', read_json('{'))[0]).toMatchObject({ path: '', line: 1, exact: false })
  })
})
