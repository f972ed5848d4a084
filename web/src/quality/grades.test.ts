// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { days_between, grade_of, score_text, spark_of } from './grades'

const scoring = { good: 95, fair: 85 }

describe('a score', () => {
  it('is graded as it is shown', () => {
    expect(grade_of(94.96, scoring)).toBe('good')
    expect(grade_of(94.94, scoring)).toBe('fair')
    expect(grade_of(84.9, scoring)).toBe('poor')
    expect(grade_of(null, scoring)).toBe('none')
  })
  it('reads 100 only when nothing failed', () => {
    expect(score_text(100)).toBe('100')
    expect(score_text(99.996)).toBe('99.9')
    expect(score_text(88.25)).toBe('88.3')
    expect(score_text(null)).toBe('—')
  })
})

describe('a trend', () => {
  it('has every day of the period, over the end of a month', () => {
    expect(days_between('2026-02-27', '2026-03-01')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01'])
    expect(days_between('2026-03-02', '2026-03-01')).toEqual([])
  })
  it('is broken where nothing was measured', () => {
    const day = (at: string, score: number | null): { day: string; score: number | null; volume: number } => ({ day: at, score, volume: 1 })
    const drawn = spark_of([day('2026-03-01', 90), day('2026-03-02', 95), day('2026-03-04', 100)], '2026-03-01', '2026-03-04', 100, 20)
    expect(drawn.lines).toHaveLength(1)
    expect(drawn.dots).toEqual([{ x: 98, y: 2 }])
  })
  it('of one day is a point', () => {
    expect(spark_of([{ day: '2026-03-01', score: 97, volume: 3 }], '2026-03-01', '2026-03-01', 80, 20).dots).toHaveLength(1)
  })
})
