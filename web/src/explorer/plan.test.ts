// SPDX-License-Identifier: Apache-2.0
// The picture of a plan: who stands where, how wide the streams are.
import { describe, expect, it } from 'vitest'
import type { PlanStep } from '../client/explain'
import { box, picture_of, step_time, stream_width } from './plan'

const step = (id: number, parent: number | null, touched = 10, took_ms = 1): PlanStep => ({ id, parent, kind: 'postings', words: '', parameter: '', estimate: null, touched, kept: 1, took_ms })

describe('the picture', () => {
  it('has the page at the right and what it reads from at the left', () => {
    const { steps, width, height } = picture_of([step(0, null), step(1, 0), step(2, 1), step(3, 1)])
    const x = (id: number): number => steps[id]?.x ?? -1
    expect([x(0) > x(1), x(1) > x(2), x(2)]).toEqual([true, true, 0])
    expect(x(2)).toBe(x(3))
    expect(steps[1]?.y).toBe(((steps[2]?.y ?? 0) + (steps[3]?.y ?? 0)) / 2)
    expect([width, height]).toEqual([3 * box.width + 2 * box.gap_x, 2 * box.height + box.gap_y])
  })
  it('knows what time is a step’s own', () => {
    expect(picture_of([step(0, null, 1, 5), step(1, 0, 1, 2), step(2, 0, 1, 2.5)]).steps[0]?.own_ms).toBeCloseTo(0.5)
    expect(picture_of([step(0, null, 1, 1), step(1, 0, 1, 3)]).steps[0]?.own_ms).toBe(0)
  })
  it('never puts two steps in one place', () => {
    const { steps } = picture_of([step(0, null), step(1, 0), step(2, 0), step(3, 2), step(4, 2), step(5, null)])
    expect(new Set(steps.map((one) => `${one.x},${one.y}`)).size).toBe(6)
  })
  it('survives plans that make no sense', () => {
    expect(picture_of([]).steps).toEqual([])
    expect(picture_of([step(0, 1), step(1, 0)]).steps).toHaveLength(2)
    expect(picture_of([step(0, 0), step(1, 7)]).streams).toEqual([])
  })
  it('tells small times apart', () => {
    expect([0, 0.0421, 0.1, 1.44, 1500].map(step_time)).toEqual(['0 µs', '42 µs', '0.1 ms', '1.4 ms', '1.5 s'])
  })
  it('draws more for more', () => {
    expect(stream_width(0, 100)).toBe(2)
    expect(stream_width(100, 100)).toBe(22)
    expect(stream_width(10, 10_000)).toBeLessThan(stream_width(1000, 10_000))
  })
})
