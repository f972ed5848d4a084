// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { HistoryLine, Task, Weight } from '../client/persons'
import { cell, csv_of } from './figures'
import { can_undo, events_of, just_made, said_of, strangers_of } from './history'
import { age_of, by_age, choices_of, is_plain, next_number } from './queue'

const task = (more: Partial<Task> = {}): Task => ({ number: 1, kind: 'doubt', a: 'a', b: 'b', probability: 0.6, weights: [], state: 'open', opened_at: null, closed_at: null, later_until: null, claimed_by: '', claimed_at: null, proposal: '', proposed_by: '', ...more })
const said = (one: Task, me = 'me', four = false): string => choices_of(one, me, four).map((each) => `${each.word}:${each.weighs}`).join(' ')

describe('what may be done with a question', () => {
  it('is a decision of one, or of two with four eyes', () => {
    expect(said(task())).toBe('link:decides apart:decides later:decides claim:decides')
    expect(said(task(), 'me', true)).toBe('link:proposes apart:proposes later:decides claim:decides')
    expect(said(task({ proposal: 'link', proposed_by: 'you' }), 'me', true)).toBe('link:confirms apart:proposes later:decides claim:decides')
    expect(said(task({ proposal: 'link', proposed_by: 'me' }), 'me', true)).toBe('link:waits apart:proposes later:decides claim:decides')
  })
  it('fits its kind', () => {
    expect(said(task({ kind: 'contradiction' }))).toContain('out:decides')
    expect(said(task({ kind: 'contradiction' }))).toContain('fits:decides')
    expect(said(task({ kind: 'changed', b: 'a' }))).toContain('seen:decides')
    expect(said(task({ claimed_by: 'me' }))).toContain('release')
    expect(said(task({ state: 'done' }))).toBe('')
  })
})

describe('the queue', () => {
  const now = new Date('2026-11-20T12:00:00Z')
  it('tells ages as the server counts them', () => {
    expect([age_of('2026-11-19T12:00:01Z', now), age_of('2026-11-19T12:00:00Z', now), age_of('2026-11-01T00:00:00Z', now)]).toEqual(['day', 'week', 'older'])
    const groups = by_age([{ task: task({ opened_at: '2026-11-20T11:00:00Z' }) }, { task: task({ opened_at: '2026-11-20T10:00:00Z' }) }, { task: task({ opened_at: '2026-10-01T00:00:00Z' }) }], now)
    expect(groups.map((one) => [one.age, one.tasks.length])).toEqual([['day', 2], ['older', 1]])
  })
  it('goes on to the next question, at the end to the last', () => {
    const tasks = [4, 7, 9].map((number) => ({ task: task({ number }) }))
    expect([next_number(tasks, 1), next_number(tasks, 3), next_number(tasks, -1), next_number([], 0)]).toEqual([7, 9, 4, undefined])
  })
  it('knows what is the same at a glance', () => {
    const exact = (field: string): Weight => ({ field, level: 'exact', weight: 8 })
    expect(is_plain(task({ weights: [exact('name'), exact('birth_date'), exact('phone')] }))).toBe(true)
    expect(is_plain(task({ weights: [exact('name'), exact('birth_date')] }))).toBe(false)
    expect(is_plain(task({ weights: [exact('name'), exact('birth_date'), exact('phone'), { field: 'address', level: 'differs', weight: -2 }] }))).toBe(false)
    expect(is_plain(task({ kind: 'twins', weights: [exact('name'), exact('birth_date'), exact('phone')] }))).toBe(false)
  })
})

describe('the history', () => {
  const line = (more: Partial<HistoryLine>): HistoryLine => ({ decision: 'd1', kind: 'link', a: 'a', b: 'b', members: [], target: '', who: 'me', why: '', at: '2026-01-02', undone: false, without_effect: false, ...more })
  it('says what an undo gave back', () => {
    const split = line({ decision: 's', kind: 'split', a: '', b: '', members: ['x', 'y'] })
    expect(said_of(line({ kind: 'undo', target: 's', a: '', b: '' }), [split])).toEqual({ key: 'undo_split', a: '', b: '', members: ['x', 'y'] })
    expect(said_of(line({ kind: 'undo', target: 'unknown' }), []).key).toBe('undo')
    expect(said_of(line({ kind: 'apart', b: 'a' }), []).key).toBe('seen')
  })
  it('is newest first, and only what stands is undone', () => {
    const auto = { a: 'a', b: 'c', by_hand: false, holds: true, probability: 1, at: '2026-01-03', weights: [] }
    expect(events_of([line({})], [auto, { ...auto, by_hand: true }]).map((one) => (one.line ? 'line' : 'link'))).toEqual(['link', 'line'])
    expect([can_undo(line({})), can_undo(line({ undone: true })), can_undo(line({ kind: 'claim' })), can_undo(line({ without_effect: true }))]).toEqual([true, false, false, false])
    expect(just_made([line({ undone: true }), line({ decision: 'd2' })], 'link', 'me')?.decision).toBe('d2')
    expect(strangers_of([line({})], [auto], ['a'])).toEqual(['b', 'c'])
  })
})

describe('the table of figures', () => {
  it('holds no formula and keeps commas in their cells', () => {
    expect([cell('=1+1'), cell('a,"b"'), cell(-3)]).toEqual(["'=1+1", '"a,""b"""', '-3'])
    const text = csv_of({ state: { people: 1, records: 2, open: 0, filling: false, behind: 0, four_eyes: false, error: '' }, sources: [{ source: 's', name: '', records: 2, linked: 2, with_id: 1, duplicates: 0 }], ages: [{ from_age: -1, records: 2, with_id: 1 }], reviewers: [{ who: 'me', decided: 3, claimed: 0 }], open: [{ kind: 'doubt', count: 4 }], open_under_a_day: 0, open_under_a_week: 0, open_older: 0, oldest_at: null }, { head: ['part', 'name', 'records', 'linked', 'id', 'twice', 'done', 'hand'], source: 'source', age: 'age', kind: 'kind', reviewer: 'who', unknown: '?', no_source: '-', kinds: (kind) => kind })
    expect(text.trim().split('\r\n')).toEqual(['part,name,records,linked,id,twice,done,hand', 'source,s,2,2,1,0,,', 'age,?,2,,1,,,', 'kind,doubt,4,,,,,', 'who,me,,,,,3,0'])
  })
})
