// SPDX-License-Identifier: Apache-2.0
// Which views need someone.
import { describe, expect, it } from 'vitest'
import type { ViewState } from '../client/views'
import { as_shelf, lag_words, on_shelf, state_of, worst_first } from './state'

const view = (more: Partial<ViewState>): ViewState => ({ name: 'a', title: '', resource: 'Patient', origin: 'built in', state: 'ready', materialized: true, rows: 1, columns: 1, position: 1, lag_positions: 0, lag_ms: 0, bytes: 1, built_at: null, error: null, ...more })

describe('a view', () => {
  it('is calm while it lags less than a second', () => {
    expect(state_of(view({ lag_positions: 3, lag_ms: 900 }))).toEqual({ status: 'good', word: 'ready' })
    expect(state_of(view({ lag_positions: 3, lag_ms: 1400 }))).toEqual({ status: 'notice', word: 'behind' })
    expect(state_of(view({ state: 'failed', lag_positions: 3 })).word).toBe('failed')
    expect(state_of(view({ materialized: false })).word).toBe('on_demand')
  })
  it('says its lag only when it has one', () => {
    expect(lag_words(view({}))).toBeNull()
    expect(lag_words(view({ lag_positions: 5, lag_ms: 210 }))).toEqual({ key: 'behind', positions: 5, time: '210 ms' })
  })
})

describe('the list', () => {
  it('has the worst first, then names', () => {
    const all = [view({ name: 'b' }), view({ name: 'a' }), view({ name: 'z', state: 'failed' }), view({ name: 'y', state: 'building' })]
    expect(worst_first(all).map((one) => one.name)).toEqual(['z', 'y', 'a', 'b'])
  })
  it('is divided by what people look for', () => {
    expect(on_shelf(view({ origin: 'saved' }), 'saved')).toBe(true)
    expect(on_shelf(view({}), 'trouble')).toBe(false)
    expect(as_shelf('nonsense')).toBe('all')
  })
})
