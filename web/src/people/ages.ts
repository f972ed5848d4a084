// SPDX-License-Identifier: Apache-2.0
// The age bands of the list, and the birth dates they mean on a day.

export const age_bands = ['0-6', '7-17', '18-44', '45-64', '65+'] as const
export type AgeBand = (typeof age_bands)[number]

export const as_age_band = (text: unknown): AgeBand | '' => age_bands.find((band) => band === text) ?? ''

/** First and last birth date of those whose age in full years lies in the band on the day (2026-11-20). */
export function born_within(band: AgeBand, day: string): { from: string | null; to: string } {
  const [low, high] = band.endsWith('+') ? [Number.parseInt(band), null] : (band.split('-').map(Number) as [number, number])
  const [year, month, date] = day.split('-').map(Number) as [number, number, number]
  const iso = (y: number, m: number, d: number): string => new Date(Date.UTC(y, m - 1, d)).toISOString().slice(0, 10)
  return { from: high === null ? null : iso(year - high - 1, month, date + 1), to: iso(year - low, month, date) }
}
