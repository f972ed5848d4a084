// SPDX-License-Identifier: Apache-2.0
// Days as 2026-11-20: read as people type them, a month as a table, steps of the keyboard. Pure.

const day_ms = 86_400_000
const two = (value: number): string => String(value).padStart(2, '0')

/** Days since 1970-01-01, and back; the calendar is the one of FHIR, without clocks or zones. */
export const number_of_day = (day: string): number => Math.round(Date.parse(`${day}T00:00:00Z`) / day_ms)
export const day_of_number = (number: number): string => new Date(number * day_ms).toISOString().slice(0, 10)

export const is_day = (text: unknown): text is string => typeof text === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) && day_of_number(number_of_day(text)) === text

/** 2026-11-20, 2026/1/5, 2026.1.5, 20261120 and the characters for year, month and day, in any width; '' for nothing, null for what is no day. */
export function day_typed(text: string): string | null {
  const plain = text.normalize('NFKC').trim()
  if (plain === '') return ''
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(plain) ?? /^(\d{4})\s*\D\s*(\d{1,2})\s*\D\s*(\d{1,2})\s*\D?$/.exec(plain)
  if (!match) return null
  const day = `${match[1]}-${two(Number(match[2]))}-${two(Number(match[3]))}`
  return is_day(day) ? day : null
}

/** The first of a month some months on; within four digits of a year. */
export function month_on(day: string, months: number): string {
  const at = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1 + months
  const held = Math.max(1000 * 12, Math.min(9999 * 12 + 11, at))
  return `${Math.floor(held / 12)}-${two((held % 12) + 1)}-01`
}
/** The same day of another month, or its last one. */
export function same_day_in(day: string, months: number): string {
  const first = month_on(day, months)
  const last = number_of_day(month_on(first, 1)) - 1
  return day_of_number(Math.min(number_of_day(first) + Number(day.slice(8)) - 1, last))
}

/** Six weeks that hold the month, each from Monday. */
export function weeks_of(month: string): string[][] {
  const first = number_of_day(`${month.slice(0, 7)}-01`)
  const monday = first - ((((first + 3) % 7) + 7) % 7) // 1970-01-01 was a Thursday
  return Array.from({ length: 6 }, (_, week) => Array.from({ length: 7 }, (_one, day) => day_of_number(monday + week * 7 + day)))
}

export const within = (day: string, min: string | undefined, max: string | undefined): string => (min && day < min ? min : max && day > max ? max : day)

/** Where a key leads from a day; null for keys that lead nowhere. */
export function day_by_key(key: string, day: string): string | null {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[key]
  if (by) {
    const to = day_of_number(number_of_day(day) + by)
    return is_day(to) ? to : null
  }
  if (key === 'PageUp' || key === 'PageDown') return same_day_in(day, key === 'PageUp' ? -1 : 1)
  if (key === 'Home') return weeks_of(day).find((week) => week.includes(day))?.[0] ?? null
  if (key === 'End') return weeks_of(day).find((week) => week.includes(day))?.[6] ?? null
  return null
}
