// SPDX-License-Identifier: Apache-2.0
// Imports: which files may go, how far they are, why entries were rejected.
import { describe, expect, it } from 'vitest'
import type { Import } from '../client/types'
import { as_view, complaint_of_file, in_view, reasons_of, seconds_left, seconds_taken, share_done, status_of } from './jobs'

const job = (more: Partial<Import>): Import => ({ id: '1', name: 'a.json', state: 'running', read: 0, stored: 0, unchanged: 0, rejected: 0, bytes: 1000, bytes_done: 250, started_at: '2026-11-22T02:00:00Z', finished_at: null, per_second: 0, error: null, ...more })
const later = (seconds: number): number => Date.parse('2026-11-22T02:00:00Z') + seconds * 1000

describe('a file', () => {
  it('may go when the server can read its kind and size', () => {
    for (const name of ['a.json', 'a.ndjson', 'a.jsonl', 'a.json.gz', 'b.c.ndjson.zst']) expect([name, complaint_of_file({ name, size: 5 })]).toEqual([name, null])
    for (const name of ['a.xml', 'a.zip', 'json', '.json', 'a.json.bz2']) expect([name, complaint_of_file({ name, size: 5 })]).toEqual([name, 'kind'])
    expect(complaint_of_file({ name: 'a.json', size: 0 })).toBe('empty')
    expect(complaint_of_file({ name: 'a.json', size: 600 * 1024 * 1024 })).toBe('large')
  })
})

describe('a job', () => {
  it('knows how far it is and how long it still takes', () => {
    expect(share_done(job({}))).toBe(0.25)
    expect(share_done(job({ bytes_done: 9000 }))).toBe(1)
    expect(share_done(job({ bytes: 0 }))).toBe(0)
    expect(share_done(job({ state: 'done', bytes_done: 0 }))).toBe(1)
    expect(seconds_left(job({}), later(10))).toBe(30)
    expect(seconds_left(job({}), later(1))).toBeNull()
    expect(seconds_left(job({ state: 'waiting' }), later(10))).toBeNull()
    expect(seconds_taken(job({ finished_at: '2026-11-22T02:01:00Z' }))).toBe(60)
  })
  it('done with rejected entries is not all well', () => {
    expect([job({ state: 'done' }), job({ state: 'done', stored: 5, rejected: 1 }), job({ state: 'done', rejected: 1 }), job({ state: 'failed' }), job({}), job({ state: 'cancelled' })].map(status_of)).toEqual(['good', 'warning', 'critical', 'critical', 'info', 'quiet'])
  })
  it('falls into views', () => {
    expect([as_view('trouble'), as_view('x'), as_view(undefined)]).toEqual(['trouble', 'all', 'all'])
    expect([in_view(job({}), 'active'), in_view(job({ state: 'done' }), 'active'), in_view(job({ state: 'done', rejected: 2 }), 'trouble'), in_view(job({ state: 'done' }), 'trouble')]).toEqual([true, false, true, false])
  })
})

describe('the reasons', () => {
  it('are counted, most frequent first, without the numbers in them', () => {
    const text = '{"line":3,"reason":"Patient.name[0]: too long"}\n{"line":9,"reason":"no type"}\nnot json\n\n{"line":12,"reason":"Patient.name[4]: too long"}\n{"reason":7}\n'
    expect(reasons_of(text)).toEqual([
      { reason: 'Patient.name[0]: too long', count: 2, lines: [3, 12] },
      { reason: 'no type', count: 1, lines: [9] },
      { reason: '', count: 1, lines: [] },
    ])
  })
})
