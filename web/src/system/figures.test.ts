// SPDX-License-Identifier: Apache-2.0
// The scale of latencies, space by type, who is behind.
import { describe, expect, it } from 'vitest'
import type { Latency } from '../client/types'
import { by_kind, is_silent, lag_status, most_behind, scale_of, shares_of } from './figures'

const latency = (kind: string, p50_ms: number, max_ms: number, count = 1): Latency => ({ kind, count, p50_ms, p90_ms: p50_ms, p99_ms: max_ms, max_ms })

describe('the scale of latencies', () => {
  it('goes in tens around what was measured', () => {
    const scale = scale_of([latency('read', 0.4, 88), latency('search', 3, 410)])
    expect(scale.marks.map((one) => Number(one.toPrecision(1)))).toEqual([0.1, 1, 10, 100, 1000])
    expect([scale.at(0.1), scale.at(10), scale.at(1000)].map(Math.round)).toEqual([0, 50, 100])
    expect([scale.at(0), scale.at(1e9)]).toEqual([0, 100])
  })
  it('has room when nothing was measured', () => {
    expect(scale_of([]).marks).toHaveLength(4)
    expect(scale_of([latency('read', 0, 0, 0)]).marks.every(Number.isFinite)).toBe(true)
  })
  it('has reads first, then what else there is', () => {
    expect(by_kind([latency('odd', 1, 1), latency('other', 1, 1), latency('read', 1, 1)]).map((one) => one.kind)).toEqual(['read', 'other', 'odd'])
  })
})

describe('space', () => {
  it('is measured against the largest, the rest summed', () => {
    const storage = [{ type: 'A', resources: 1, versions: 1, bytes: 50 }, { type: 'B', resources: 9, versions: 9, bytes: 200 }, { type: 'C', resources: 0, versions: 0, bytes: 0 }, { type: 'D', resources: 1, versions: 2, bytes: 20 }]
    const { shares, others, other_types, total } = shares_of(storage, 2)
    expect([shares.map((one) => [one.name, one.share]), others, other_types, total]).toEqual([[['B', 1], ['A', 0.25]], 20, 1, 270])
    expect(shares_of([], 3)).toEqual({ shares: [], others: 0, other_types: 0, total: 0 })
  })
})

describe('those behind', () => {
  it('stand first, and say so after a second', () => {
    const view = (name: string, lag_ms: number, lag_positions = 1): { name: string; lag_ms: number; lag_positions: number; rows: number } => ({ name, lag_ms, lag_positions, rows: 0 })
    expect(most_behind([view('b', 0, 0), view('a', 0, 0), view('z', 500)]).map((one) => one.name)).toEqual(['z', 'a', 'b'])
    expect([view('a', 900), view('a', 4000), view('a', 90_000), view('a', 90_000, 0)].map(lag_status)).toEqual(['good', 'notice', 'warning', 'good'])
  })
  it('are silent after half a minute', () => {
    const seen = { name: 'api-1', started_at: '', last_seen_at: '2026-11-22T02:00:00Z' }
    expect([is_silent(seen, Date.parse('2026-11-22T02:00:20Z')), is_silent(seen, Date.parse('2026-11-22T02:00:40Z'))]).toEqual([false, true])
  })
})
