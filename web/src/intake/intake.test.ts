// SPDX-License-Identifier: Apache-2.0
// Feeds in order, bars of a day, filters in the address, raw messages cut at their delimiters, the ledger.
import { describe, expect, it } from 'vitest'
import type { Hour, LedgerLine, Segment, Source } from '../client/intake'
import { accounted, missing, total_of, unbalanced_first } from './balance'
import { as_show, band_of, bars_of, complaint_of, draft_of, empty_draft, format_of, in_show, rejected_share, sent_of, since, totals_of, worst_first } from './feeds'
import { filters_of, query_of, question_of } from './filters'
import { bare_place, fields_at, is_about, place_of, raw_lines, readable, shape_of } from './raw'

const source = (id: string, more: Partial<Source> = {}): Source => ({
  id, name: id, kind: 'mllp', format: 'hl7v2', organization: '', state: 'ok', paused: false, last_at: '2026-11-22T03:00:00Z', received: 10, stored: 9, rejected: 1, duplicate: 0, waiting: 0,
  today: { received: 10, stored: 9, rejected: 1, duplicate: 0 }, latency_ms: { p50: 5, p99: 40 }, expected_hour: 12, this_hour: 4, settings: { port: 2575 }, ...more,
})
const hour = (received: number, expected: number | null = null, rejected = 0): Hour => ({ at: '2026-11-22T03:00:00Z', received, stored: received - rejected, rejected, duplicate: 0, expected })

describe('sources', () => {
  it('that are silent come first, the longest silent before the others', () => {
    const found = worst_first([source('a'), source('b', { state: 'failing' }), source('c', { state: 'silent', last_at: '2026-11-22T02:00:00Z' }), source('d', { state: 'silent', last_at: '2026-11-21T02:00:00Z' }), source('e', { state: 'silent', last_at: null })])
    expect(found.map((one) => one.id)).toEqual(['e', 'd', 'c', 'b', 'a'])
  })
  it('are shown by what is wrong with them', () => {
    expect(in_show(source('a', { state: 'late' }), 'silent')).toBe(true)
    expect(in_show(source('a'), 'trouble')).toBe(true)
    expect(in_show(source('a', { today: { received: 1, stored: 1, rejected: 0, duplicate: 0 } }), 'trouble')).toBe(false)
    expect([as_show('silent'), as_show('nonsense'), as_show(undefined)]).toEqual(['silent', 'all', 'all'])
    expect(rejected_share(source('a'))).toBeCloseTo(0.1)
    expect(rejected_share(source('a', { today: { received: 0, stored: 0, rejected: 0, duplicate: 0 } }))).toBeNull()
  })
  it('add up, and the slowest speaks for all', () => {
    expect(totals_of([source('a'), source('b', { state: 'silent', latency_ms: null, waiting: 3 })])).toEqual({ received: 20, stored: 18, rejected: 2, duplicate: 0, waiting: 3, sources: 2, silent: 1, slowest_ms: 40 })
    expect(totals_of([]).slowest_ms).toBeNull()
  })
  it('say how long they have been silent', () => {
    const now = Date.parse('2026-11-22T03:12:30Z')
    expect(since('2026-11-22T03:12:01Z', now)).toEqual({ unit: 'now', a: 0, b: 0 })
    expect(since('2026-11-22T02:31:00Z', now)).toEqual({ unit: 'minutes', a: 41, b: 0 })
    expect(since('2026-11-22T00:00:00Z', now)).toEqual({ unit: 'hours', a: 3, b: 12 })
    expect(since('2026-11-19T23:00:00Z', now)).toEqual({ unit: 'days', a: 2, b: 4 })
    expect(since('2026-11-22T04:00:00Z', now)).toEqual({ unit: 'now', a: 0, b: 0 })
    expect([since(null, now), since('nonsense', now)]).toEqual([null, null])
  })
  it('know the mapping in their format', () => {
    expect([format_of('hl7v2'), format_of('csv:clinic-visits')]).toEqual([{ kind: 'hl7v2', mapping: '' }, { kind: 'csv', mapping: 'clinic-visits' }])
  })
})

describe('a source that is written', () => {
  const draft = { ...empty_draft(), id: 'liuhe', name: 'Liuhe', settings: { silent: 8 } }
  it('is looked at before it is sent', () => {
    const said = (more: object): string | undefined => complaint_of({ ...draft, ...more }, ['taken'])?.complaint
    expect(said({})).toBeUndefined()
    expect([said({ id: 'Liu He' }), said({ id: '' }), said({ id: 'a'.repeat(41) }), said({ id: 'taken' })]).toEqual(['id', 'id', 'id', 'id_taken'])
    expect(said({ name: ' ' })).toBe('name')
    expect([said({ format: 'csv:' }), said({ format: 'xlsx' }), said({ format: 'csv:visits' })]).toEqual(['mapping', 'mapping', undefined])
    expect([said({ settings: { silent: 0 } }), said({ settings: { failing: 2 } }), said({ settings: { silent: 'x' } }), said({ settings: { silent: '' } }), said({ settings: {} })]).toEqual(['number', 'number', 'number', undefined, undefined])
  })
  it('is sent with numbers as numbers, without what belongs to another kind', () => {
    expect(sent_of({ ...draft, name: ' Liuhe ', settings: { silent: '12', late: '', path: '/in', other: 1, senders: ['HIS^LH'] } })).toMatchObject({ name: 'Liuhe', settings: { silent: 12, other: 1, senders: ['HIS^LH'] } })
    expect(Object.keys(sent_of({ ...draft, kind: 'folder', settings: { path: '/in', senders: ['x'] } }).settings)).toEqual(['path'])
  })
  it('keeps settings that this page does not know', () => {
    expect(draft_of(source('a', { settings: { port: 1, other: { deep: true } } })).settings).toEqual({ port: 1, other: { deep: true } })
  })
})

describe('the bars of a day', () => {
  it('fill the picture from the right, and the tallest is as high as it', () => {
    const { bars, expected, most } = bars_of([hour(5), hour(10, 10), hour(0, 10), hour(0)], 6, 120, 20)
    expect(most).toBe(10)
    expect(bars.map((bar) => bar.x)).toEqual([40, 60, 80, 100])
    expect(bars.map((bar) => bar.state)).toEqual(['good', 'good', 'missing', 'none'])
    expect(bars[1]?.height).toBe(20)
    expect(expected).toBe('70.0,0.0 90.0,0.0')
  })
  it('hold when nothing is known', () => {
    expect(bars_of([], 24, 120, 20)).toEqual({ bars: [], expected: '', most: 1 })
    expect(bars_of([hour(3, null, 1)], 1, 10, 10).bars[0]?.state).toBe('rejected')
    expect([band_of(null), band_of(0)]).toEqual([null, { low: 0, high: 0 }])
    expect(band_of(100)).toEqual({ low: 80, high: 120 })
  })
})

describe('filters', () => {
  it('live in the address and nowhere else', () => {
    const filters = filters_of({ source: 'liuhe', state: 'rejected', from: '2026-11-20', to: 'yesterday', other: '1', text: ' PID ' })
    expect(filters).toEqual({ source: 'liuhe', state: 'rejected', kind: '', from: '2026-11-20', to: '', text: 'PID', control_id: '', patient: '' })
    expect(query_of(filters)).toEqual({ source: 'liuhe', state: 'rejected', from: '2026-11-20', text: 'PID' })
    expect(filters_of({ state: 'broken', source: ['a', 'b'] }).state).toBe('')
  })
  it('ask for a patient of one source only, and for whole days', () => {
    const asked = question_of(filters_of({ from: '2026-11-20', to: '2026-11-20', patient: '7' }), 'next-page', 50)
    expect(asked).toEqual({ count: 50, after: 'next-page', from: '2026-11-20', to: '2026-11-20' })
    expect(question_of(filters_of({ source: 'a', patient: '7', control_id: 'LH1' }), null, 20)).toEqual({ count: 20, source: 'a', patient: '7', control_id: 'LH1' })
  })
})

describe('a raw message', () => {
  const raw = 'MSH|^~\\&|HIS|LH|XL|XL|20261122||ADT^A01|7|P|2.4\rPID|1||123^^^LH||张^三||19790231|M\rOBX|1|NM|GLU||5.1\rOBX|2|NM|HBA||6.2\r'
  it('is cut at its own delimiters, and the first of a header is one itself', () => {
    const lines = raw_lines(raw)
    expect(lines.map((line) => line.name)).toEqual(['MSH', 'PID', 'OBX', 'OBX'])
    expect(lines.map((line) => line.pieces.map((piece) => piece.text).join(''))).toEqual(raw.trim().split('\r'))
    expect(lines[0]?.pieces.filter((piece) => piece.place).slice(0, 3)).toEqual([{ text: 'MSH', place: 'MSH' }, { text: '^~\\&', place: 'MSH-2' }, { text: 'HIS', place: 'MSH-3' }])
    expect(lines[1]?.pieces.find((piece) => piece.place === 'PID-7')?.text).toBe('19790231')
    expect(raw_lines('\x0bMSH#^~\\&#A\r\nPID#1\r\n\x1c\r')[1]?.pieces[2]).toEqual({ text: '1', place: 'PID-1' })
    expect(raw_lines('')).toEqual([])
    expect(raw_lines('no segment|x')[0]).toEqual({ name: '', pieces: [{ text: 'no segment|x', place: '' }] })
  })
  it('says what its fields mean, by segment', () => {
    const segment: Segment = { name: 'PID', title: 'Patient', title_zh: '', fields: [{ place: 'PID-5', name: 'Name', name_zh: '', value: 'x', meaning: '' }, { place: 'PID-5.1', name: 'Family', name_zh: '', value: 'x', meaning: '' }, { place: 'PID-50', name: 'no', name_zh: '', value: '', meaning: '' }] }
    expect(fields_at([segment], 0, 'PID-5').map((field) => field.name)).toEqual(['Name', 'Family'])
    expect(fields_at([segment], 4, 'PID-5')).toEqual([])
    expect(fields_at([{ ...segment, fields: [{ place: 'OBX[2]-5', name: 'Value', name_zh: '', value: '', meaning: '' }] }], 0, 'OBX-5').length).toBe(1)
    expect([bare_place('OBX[12]-5.1'), bare_place('PID-5')]).toEqual(['OBX-5.1', 'PID-5'])
  })
  it('that is no UTF-8 is read in its own encoding', () => {
    const packed = btoa(String.fromCharCode(0xd0, 0xd5, 0xc3, 0xfb))
    expect([readable(packed, true, 'GB18030'), readable(packed, true, ''), readable(packed, true, 'nonsense'), readable('PID', false, ''), readable(null, false, '')]).toEqual(['\u59d3\u540d', '\u59d3\u540d', '\u59d3\u540d', 'PID', ''])
  })
  it('shows where an error is', () => {
    expect(place_of('PID-7')).toEqual({ segment: 'PID', field: 'PID-7', occurrence: 0 })
    expect(place_of('OBX[2]-5.1')).toEqual({ segment: 'OBX', field: 'OBX-5', occurrence: 2 })
    expect([place_of('row 12, column 性别'), place_of('')]).toEqual([null, null])
    const lines = raw_lines(raw)
    expect(is_about('OBX[2]-3', lines[3] ?? { name: '', pieces: [] }, 2, 'OBX-3')).toBe(true)
    expect(is_about('OBX[2]-3', lines[2] ?? { name: '', pieces: [] }, 1, 'OBX-3')).toBe(false)
    expect(is_about('PID', lines[1] ?? { name: '', pieces: [] }, 1, 'PID')).toBe(true)
  })
  it('of other kinds is shown by lines', () => {
    expect([shape_of(raw), shape_of(' <ClinicalDocument/>'), shape_of('{"a":1}'), shape_of('a,b\n1,2')]).toEqual(['segments', 'xml', 'json', 'lines'])
  })
})

describe('the ledger', () => {
  const line = (name: string, more: Partial<LedgerLine> = {}): LedgerLine => ({ source: name, received: 10, stored: 6, rejected: 1, duplicate: 2, waiting: 1, ignored: 0, balanced: true, ...more })
  it('accounts for every message', () => {
    expect([accounted(line('a')), missing(line('a')), missing(line('b', { received: 12 }))]).toEqual([10, 0, 2])
    expect(total_of([line('a'), line('b', { received: 12, balanced: false })])).toEqual({ received: 22, stored: 12, rejected: 2, duplicate: 4, ignored: 0, waiting: 2, balanced: false })
    expect(total_of([]).balanced).toBe(true)
  })
  it('puts what does not balance first', () => {
    expect(unbalanced_first([line('a'), line('b', { received: 99 }), line('c', { balanced: false })]).map((one) => one.source)).toEqual(['c', 'b', 'a'])
  })
})
