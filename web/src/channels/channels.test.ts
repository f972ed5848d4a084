// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { Account, Channel, ChannelState } from '../client/channels'
import { account_status, complaint_of, day_in, draft_of, empty_draft, open_of, sent_of, totals_of, worst_first, zone_of } from './standing'

const counts = (more: Partial<Channel['health']['resources']> = {}): Channel['health']['resources'] => ({ all: 0, waiting: 0, sent: 0, acknowledged: 0, refused: 0, ignored: 0, withheld: 0, ...more })
const channel = (id: string, state: ChannelState, more: Partial<Channel['health']['resources']> = {}): Channel => ({ ...empty_draft(), id, name: id, mode: state === 'off' ? 'off' : 'on', built_in: false, health: { state, why: '', resources: counts(more), deliveries_waiting: 0, deliveries_refused: 0, last_acknowledged_at: null, oldest_waiting_at: null, next_try_at: null, behind: 0 } })
const account = (queued: Partial<Channel['health']['resources']>, more: Partial<Account> = {}): Account => ({ channel: 'a', day: '2026-11-22', have: 0, counted_in_record: true, queued: counts(queued), missing: 0, balanced: true, difference: [], difference_is_cut: false, ...more })

describe('channels', () => {
  it('put what needs someone first', () => {
    expect(worst_first([channel('c', 'ok'), channel('b', 'off'), channel('a', 'refusing'), channel('d', 'unreachable')]).map((one) => one.id)).toEqual(['d', 'a', 'c', 'b'])
  })
  it('are summed up', () => {
    expect(totals_of([channel('a', 'ok', { acknowledged: 5, sent: 1 }), channel('b', 'refusing', { refused: 2, waiting: 3 }), channel('c', 'off')])).toEqual({ on: 2, all: 3, ill: 1, acknowledged: 5, waiting: 4, refused: 2, withheld: 0 })
  })
  it('are complained of before they are sent', () => {
    const draft = { ...empty_draft(), name: '省平台', id: 'province' }
    expect(complaint_of(draft, [])).toBe('url')
    draft.target.url = 'https://user@host/fhir'
    expect(complaint_of(draft, [])).toBe('url')
    draft.target.url = 'https://province.example/fhir'
    expect(complaint_of(draft, [])).toBeNull()
    expect(complaint_of(draft, ['province'])).toBe('id_taken')
    draft.target.login = 'bearer'
    expect(complaint_of(draft, [])).toBe('secret')
    expect(complaint_of({ ...draft, target: { ...draft.target, kind: 'folder', folder: '../etc' } }, [])).toBe('folder')
    expect(complaint_of({ ...draft, target: { ...draft.target, kind: 'folder', folder: 'outbox', login: 'none' }, format: 'csv' }, [])).toBe('columns')
  })
  it('lose what is not theirs on the way to the server', () => {
    const draft = draft_of(channel('a', 'ok'))
    expect(draft).not.toHaveProperty('health')
    expect(sent_of(draft).transform).not.toHaveProperty('columns')
    expect(sent_of({ ...draft, format: 'csv' }).transform).toHaveProperty('columns')
    const dates = { ...draft.transform, dates: 'shift' as const }
    expect(sent_of({ ...draft, transform: dates }).transform.dates).toBe('keep')
    expect(sent_of({ ...draft, transform: { ...dates, deidentify: true, key: 'k' } }).transform.dates).toBe('shift')
  })
})
describe('the account of a day', () => {
  it('begins where the channel is, wherever the reader sits', () => {
    const late = Date.parse('2026-11-22T16:30:00Z') // half past midnight in Beijing
    expect(day_in(480, late)).toBe('2026-11-23')
    expect(day_in(0, late)).toBe('2026-11-22')
    expect(day_in(-600, Date.parse('2026-11-22T09:00:00Z'))).toBe('2026-11-21')
    const other = channel('b', 'ok')
    other.batch.offset_minutes = 0
    expect(zone_of([channel('a', 'ok'), other, channel('c', 'ok')])).toBe(480)
    expect(zone_of([])).toBe(480)
  })
  it('is open as long as something is not acknowledged', () => {
    expect(open_of(account({ acknowledged: 9, withheld: 2, ignored: 1 }))).toBe(0)
    expect(account_status(account({ acknowledged: 9, withheld: 2 }))).toBe('good')
    expect(account_status(account({ waiting: 1 }))).toBe('notice')
    expect(account_status(account({ waiting: 1, refused: 1 }))).toBe('warning')
    expect(account_status(account({}, { missing: 1, balanced: false }))).toBe('critical')
  })
})
