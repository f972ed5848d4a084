// SPDX-License-Identifier: Apache-2.0
// Figures of the server, read for the page.
import { describe, expect, it } from 'vitest'
import { bars_of, rate, rates_chart, trouble_of, uptime, worst_first } from './reading'

describe('checks', () => {
  const checks = [
    { name: 'writer', status: 'good', detail: '' },
    { name: 'audit', status: 'warning', detail: '' },
    { name: 'disk', status: 'critical', detail: '' },
    { name: 'people', status: 'warning', detail: '' },
  ] as const
  it('stand worst first', () => {
    expect(worst_first(checks).map((one) => one.name)).toEqual(['disk', 'audit', 'people', 'writer'])
  })
  it('add up to one word', () => {
    expect(trouble_of(checks)).toEqual({ status: 'critical', count: 3 })
    expect(trouble_of(checks.slice(0, 2))).toEqual({ status: 'warning', count: 1 })
    expect(trouble_of([])).toEqual({ status: 'good', count: 0 })
  })
})

describe('figures', () => {
  it('of time are days, hours and minutes', () => {
    expect(uptime(90_061)).toEqual({ days: 1, hours: 1, minutes: 1 })
    expect(uptime(59)).toEqual({ days: 0, hours: 0, minutes: 0 })
    expect(uptime(-5)).toEqual({ days: 0, hours: 0, minutes: 0 })
  })
  it('of rates have a decimal only while small', () => {
    expect([0, 0.04, 3.14159, 12.6, 31000].map(rate)).toEqual(['0', '0.0', '3.1', '13', '31,000'])
  })
  it('of types are measured against the fullest, the rest summed', () => {
    const types = [{ type: 'A', count: 5, last_updated: null }, { type: 'B', count: 50, last_updated: null }, { type: 'C', count: 0, last_updated: null }, { type: 'D', count: 5, last_updated: null }]
    expect(bars_of(types, 2)).toEqual({ bars: [{ type: 'B', count: 50, share: 1 }, { type: 'A', count: 5, share: 0.1 }], others: 5, other_types: 1 })
    expect(bars_of([], 2)).toEqual({ bars: [], others: 0, other_types: 0 })
  })
  it('of the chart keep their times', () => {
    const option = rates_chart([{ at: '2026-11-22T02:00:00Z', writes_per_s: 2, reads_per_s: 3 }], { writes: 'w', reads: 'r', per_second: '/s' })
    expect(option['series']).toMatchObject([{ name: 'w', data: [[Date.parse('2026-11-22T02:00:00Z'), 2]] }, { name: 'r', data: [[Date.parse('2026-11-22T02:00:00Z'), 3]] }])
  })
})
