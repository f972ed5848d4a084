// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { day_by_key, day_typed, is_day, month_on, same_day_in, weeks_of, within } from './calendar'

describe('a day', () => {
  it('is read as people type it', () => {
    for (const text of ['2026-11-05', '2026/11/5', '2026.11.05', '20261105', '2026年11月5日', '2026 年 11 月 5 日', '２０２６－１１－０５', ' 2026-11-05 ', '2026 11 5']) expect([text, day_typed(text)]).toEqual([text, '2026-11-05'])
    expect(day_typed('  ')).toBe('')
  })
  it('that does not exist is none', () => {
    for (const text of ['2026-02-30', '2026-13-01', '2025-02-29', 'yesterday', '26-11-05', '2026-11', '2026-11-055', '2026--11-05-']) expect([text, day_typed(text)]).toEqual([text, null])
    expect(day_typed('2024-02-29')).toBe('2024-02-29')
    expect(['2026-02-29', '2026-2-9', 20260209, null].map(is_day)).toEqual([false, false, false, false])
  })
  it('moves by months and stays in them', () => {
    expect([month_on('2026-01-31', 1), month_on('2026-01-31', -1), month_on('2026-12-05', 12)]).toEqual(['2026-02-01', '2025-12-01', '2027-12-01'])
    expect([same_day_in('2024-01-31', 1), same_day_in('2026-03-31', -1), same_day_in('2026-11-20', -1)]).toEqual(['2024-02-29', '2026-02-28', '2026-10-20'])
    expect([month_on('9999-12-01', 1), month_on('1000-01-01', -1)]).toEqual(['9999-12-01', '1000-01-01'])
  })
  it('moves by keys', () => {
    expect(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End', 'x'].map((key) => day_by_key(key, '2026-11-01'))).toEqual(['2026-10-31', '2026-11-02', '2026-10-25', '2026-11-08', '2026-10-01', '2026-12-01', '2026-10-26', '2026-11-01', null])
  })
  it('is kept between two others', () => {
    expect([within('2026-01-01', '2026-02-01', undefined), within('2026-03-01', undefined, '2026-02-01'), within('2026-01-01', undefined, undefined)]).toEqual(['2026-02-01', '2026-02-01', '2026-01-01'])
  })
})

describe('a month', () => {
  it('is six weeks from Monday that hold all its days', () => {
    for (let month = 0; month < 12 * 130; month++) {
      const first = month_on('1920-01-01', month)
      const weeks = weeks_of(first)
      const days = weeks.flat()
      expect(new Date(`${days[0]}T00:00:00Z`).getUTCDay()).toBe(1)
      const own = days.filter((day) => day.startsWith(first.slice(0, 7)))
      expect(own.length).toBe(new Date(Date.UTC(Number(first.slice(0, 4)), Number(first.slice(5, 7)), 0)).getUTCDate())
      expect(weeks[0]).toContain(first)
    }
  })
})
