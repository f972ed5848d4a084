// SPDX-License-Identifier: Apache-2.0
// Numbers, dates and ages as the house writes them (look.md, section 9). Pure: the present day is an argument.

/** A date as a record may know it: year, year and month, or the day. */
export interface PartialDate {
  year: number
  month: number | null
  day: number | null
}

export function partial_date(text: string | null | undefined): PartialDate | null {
  const match = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?/.exec(text ?? '')
  if (!match) return null
  return { year: Number(match[1]), month: match[2] ? Number(match[2]) : null, day: match[3] ? Number(match[3]) : null }
}

/** The calendar day where the reader is, as 2026-11-20. */
export function local_day(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** The local day of a FHIR date or instant; '' when there is none. Dates without a time stay as they are. */
export function day_of(text: string | null | undefined): string {
  if (!text) return ''
  if (!text.includes('T')) return text.slice(0, 10)
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? '' : local_day(at)
}

/** The local clock time of an instant, 14:32; '' for a date alone. */
export function time_of(text: string | null | undefined): string {
  if (!text?.includes('T')) return ''
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) return ''
  return `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`
}

export type AgeUnit = 'days' | 'months' | 'years'

/** Days up to 28, months up to 36, then years; null when birth is unknown or lies after the day. Partial dates give years only. */
export function age_on(birth_date: string | null | undefined, day: string): { value: number; unit: AgeUnit } | null {
  const born = partial_date(birth_date)
  const now = partial_date(day)
  if (!born || !now || now.month === null || now.day === null) return null
  if (born.month === null || born.day === null) {
    const years = now.year - born.year - (born.month !== null && now.month < born.month ? 1 : 0)
    return years < 0 ? null : { value: years, unit: 'years' }
  }
  const days = Math.round((Date.UTC(now.year, now.month - 1, now.day) - Date.UTC(born.year, born.month - 1, born.day)) / 86_400_000)
  if (days < 0) return null
  if (days <= 28) return { value: days, unit: 'days' }
  const months = (now.year - born.year) * 12 + now.month - born.month - (now.day < born.day ? 1 : 0)
  return months <= 36 ? { value: months, unit: 'months' } : { value: Math.floor(months / 12), unit: 'years' }
}

/** 213,964; a given number of decimals keeps a column equal. */
/** A count that may not be told comes as "<5" or "*" and is shown so. */
export function number(value: number | string | null | undefined, decimals?: number): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined || !Number.isFinite(value)) return '—'
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals ?? 0, maximumFractionDigits: decimals ?? 2 })
}

/** 1.4 GB, with decimal steps as disks are sold. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value) || value < 0) return '—'
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let size = value
  let unit = 0
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000
    unit += 1
  }
  return `${unit === 0 ? String(Math.round(size)) : size >= 99.5 ? size.toFixed(0) : size.toFixed(1)} ${units[unit]}`
}

/** 0.8 ms, 62 ms, 1.4 s. */
export function span_ms(value: number): string {
  if (!Number.isFinite(value)) return '—'
  if (value >= 999.5) return `${(value / 1000).toFixed(1)} s`
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`
}

/** A covered value with at most eight stars: how long it is, is nobody's business. */
export const short_mask = (masked: string): string => masked.replace(/\*{9,}/g, '********')

/** The initial shown in the round mark of a person: the family character, or the first letter without titles and digits. */
export function initial_of(name: string): string {
  const bare = name.replace(/^(?:(?:mr|mrs|ms|miss|dr)\.?\s+)+/i, '').trim()
  return Array.from(bare)[0]?.toUpperCase() ?? '?'
}
