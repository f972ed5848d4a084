// SPDX-License-Identifier: Apache-2.0
// Numbers, dates and ages are written as look.md, section 9, asks.
import { describe, expect, it } from 'vitest'
import { age_on, bytes, day_of, initial_of, number, partial_date, short_mask, span_ms, time_of } from './format'

const iso = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** Whole months lived, counted by walking a calendar: an answer found in another way. */
function months_walked(birth: string, day: string): number {
  let months = 0
  const [y, m, d] = birth.split('-').map(Number) as [number, number, number]
  for (;;) {
    const next = months + 1
    const year = y + Math.floor((m - 1 + next) / 12)
    const month = (m - 1 + next) % 12
    const mark = `${year}-${String(month + 1).padStart(2, '0')}-${String(d).padStart(2, '0')}`
    if (mark > day) return months
    months = next
  }
}

describe('an age', () => {
  it('is in days up to 28 days', () => {
    expect(age_on('2026-11-20', '2026-11-20')).toEqual({ value: 0, unit: 'days' })
    expect(age_on('2026-10-23', '2026-11-20')).toEqual({ value: 28, unit: 'days' })
  })
  it('is in months up to 36 months, then in years', () => {
    expect(age_on('2026-10-20', '2026-11-20')).toEqual({ value: 1, unit: 'months' })
    expect(age_on('2023-11-20', '2026-11-20')).toEqual({ value: 36, unit: 'months' })
    expect(age_on('2023-10-20', '2026-11-20')).toEqual({ value: 3, unit: 'years' })
    expect(age_on('1959-03-12', '2026-03-11')).toEqual({ value: 66, unit: 'years' })
    expect(age_on('1959-03-12', '2026-03-12')).toEqual({ value: 67, unit: 'years' })
  })
  it('agrees with a walk through the calendar', () => {
    let seed = 20261122
    const random = (): number => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648
    for (let i = 0; i < 2000; i++) {
      const birth = iso(Date.UTC(1930, 0, 1) + Math.floor(random() * 34000) * 86_400_000)
      const day = iso(Date.parse(birth) + Math.floor(random() * 30000) * 86_400_000)
      const days = (Date.parse(day) - Date.parse(birth)) / 86_400_000
      const months = months_walked(birth, day)
      const expected = days <= 28 ? { value: days, unit: 'days' } : months <= 36 ? { value: months, unit: 'months' } : { value: Math.floor(months / 12), unit: 'years' }
      expect([birth, day, age_on(birth, day)]).toEqual([birth, day, expected])
    }
  })
  it('takes a year or a month as birth, and nothing for the unknown or the unborn', () => {
    expect(age_on('1959', '2026-11-20')).toEqual({ value: 67, unit: 'years' })
    expect(age_on('1959-12', '2026-11-20')).toEqual({ value: 66, unit: 'years' })
    expect(age_on('', '2026-11-20')).toBeNull()
    expect(age_on('2027-01-01', '2026-11-20')).toBeNull()
    expect(age_on('last spring', '2026-11-20')).toBeNull()
  })
})

describe('numbers', () => {
  it('have thousands separators, equal decimals, and a dash for the missing', () => {
    expect(number(213964)).toBe('213,964')
    expect(number(7, 1)).toBe('7.0')
    expect(number(0)).toBe('0')
    expect(number(null)).toBe('—')
    expect(number(Number.NaN)).toBe('—')
  })
  it('write sizes and spans with one unit', () => {
    expect(bytes(0)).toBe('0 B')
    expect(bytes(48_300_000)).toBe('48.3 MB')
    expect(bytes(999_600)).toBe('1.0 MB')
    expect(bytes(-1)).toBe('—')
    expect(span_ms(0.83)).toBe('0.8 ms')
    expect(span_ms(1400)).toBe('1.4 s')
  })
})

describe('dates', () => {
  it('keep a date without a time as it is, whatever the zone', () => {
    expect(day_of('2026-11-20')).toBe('2026-11-20')
    expect(day_of('1959')).toBe('1959')
    expect(time_of('2026-11-20')).toBe('')
  })
  it('survive what is no date', () => {
    expect(day_of('2026-99-99T00:00:00Z')).toBe('')
    expect(day_of(undefined)).toBe('')
    expect(partial_date('soon')).toBeNull()
  })
})

describe('a covered value', () => {
  it('shows at most eight stars', () => {
    expect(short_mask('2199**********0428')).toBe('2199********0428')
    expect(short_mask('138****5207')).toBe('138****5207')
  })
})

describe('the initial of a person', () => {
  it('is the family character, or the first letter without titles', () => {
    expect(initial_of('王桂兰')).toBe('王')
    expect(initial_of('Mrs. Hallie Hoeger')).toBe('H')
    expect(initial_of('')).toBe('?')
    expect(initial_of('𠮷野')).toBe('𠮷')
  })
})
