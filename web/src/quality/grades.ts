// SPDX-License-Identifier: Apache-2.0
// What a score means, and how it is written and drawn. Pure.
import type { Scoring, TrendDay } from '../client/quality'
import type { Status } from '../parts/status'

export type Grade = 'good' | 'fair' | 'poor' | 'none'

export function grade_of(score: number | null, scoring: Pick<Scoring, 'good' | 'fair'>): Grade {
  if (score === null) return 'none'
  // As it is shown: 94.96 reads 95.0.
  const shown = Math.round(score * 10) / 10
  return shown >= scoring.good ? 'good' : shown >= scoring.fair ? 'fair' : 'poor'
}
export const status_of: Record<Grade, Status> = { good: 'good', fair: 'notice', poor: 'critical', none: 'quiet' }

/** One decimal; 100 stays 100, and what is not whole never reads 100. */
export function score_text(score: number | null): string {
  if (score === null) return '—'
  if (score >= 100) return '100'
  return Math.min(score, 99.9).toFixed(1)
}

/** Every day of a period once, those without figures as null. */
export function days_between(from: string, to: string): string[] {
  const days: string[] = []
  const at = new Date(`${from}T00:00:00Z`)
  const end = new Date(`${to}T00:00:00Z`).getTime()
  while (at.getTime() <= end && days.length < 4000) {
    days.push(at.toISOString().slice(0, 10))
    at.setUTCDate(at.getUTCDate() + 1)
  }
  return days
}

/** Points of a small line, broken where nothing was measured; the scale ends at the lowest score, 60 at most. */
export function spark_of(trend: readonly TrendDay[], from: string, to: string, width: number, height: number): { lines: string[]; dots: { x: number; y: number }[] } {
  const days = days_between(from, to)
  const by_day = new Map(trend.map((one) => [one.day, one.score]))
  const scores = days.map((day) => by_day.get(day) ?? null)
  const floor = Math.min(90, ...scores.filter((score) => score !== null))
  const x = (index: number): number => (days.length > 1 ? (index / (days.length - 1)) * (width - 4) + 2 : width / 2)
  const y = (score: number): number => 2 + (1 - (score - floor) / (100 - floor || 1)) * (height - 4)
  const lines: string[] = []
  const dots: { x: number; y: number }[] = []
  let run: string[] = []
  const close = (): void => {
    if (run.length > 1) lines.push(run.join(' '))
    else if (run.length === 1) dots.push({ x: Number(run[0]?.split(',')[0]), y: Number(run[0]?.split(',')[1]) })
    run = []
  }
  scores.forEach((score, index) => {
    if (score === null) close()
    else run.push(`${x(index).toFixed(1)},${y(score).toFixed(1)}`)
  })
  close()
  return { lines, dots }
}
