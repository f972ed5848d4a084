// SPDX-License-Identifier: Apache-2.0
// The picture of a person, from 1 to 60 records: legible, and the same each time.
import { describe, expect, it } from 'vitest'
import type { Evidence, PatientSide } from '../client/persons'
import { bundled, most_nodes, outline, picture_of } from './picture'

const size = { width: 340, height: 320 }
const records = (n: number): PatientSide[] => Array.from({ length: n }, (_, at) => ({ id: `p${at}`, live: true, source: `s${at % 7}` }))
const link = (a: number, b: number, more: Partial<Evidence> = {}): Evidence => ({ a: `p${a}`, b: `p${b}`, by_hand: false, holds: true, probability: 0.99, at: null, weights: [{ field: 'name', level: 'exact', weight: 12 }], ...more })
const near = (one: { x: number; y: number }, other: { x: number; y: number }): number => Math.hypot(one.x - other.x, one.y - other.y)

describe('the picture of a person', () => {
  it('keeps every mark inside and none upon another, in chains, stars, knots and without links', () => {
    for (const n of [1, 2, 3, 5, 12, 13, 30, 31, 60]) {
      const shapes: Evidence[][] = [[], Array.from({ length: n - 1 }, (_, at) => link(at, at + 1)), Array.from({ length: n - 1 }, (_, at) => link(0, at + 1)), Array.from({ length: n }, (_, at) => [link(at, (at + 1) % n), link(at, (at + 3) % n)]).flat()]
      for (const links of shapes) {
        const picture = picture_of(records(n), links, size)
        expect(picture.nodes).toHaveLength(n)
        for (const one of picture.nodes) {
          expect(one.x).toBeGreaterThanOrEqual(picture.radius)
          expect(one.x).toBeLessThanOrEqual(size.width - picture.radius)
          expect(one.y).toBeGreaterThanOrEqual(picture.radius)
          expect(one.y).toBeLessThanOrEqual(size.height - picture.radius)
          for (const other of picture.nodes) if (other !== one) expect([n, near(one, other) > 2 * picture.radius]).toEqual([n, true])
        }
      }
    }
  })
  it('is the same each time', () => {
    const links = [link(0, 1), link(1, 2), link(2, 3), link(5, 4), link(3, 0)]
    expect(picture_of(records(6), links, size)).toEqual(picture_of(records(6), links, size))
  })
  it('shows two people on one thread as two knots', () => {
    const knot = (from: number): Evidence[] => [0, 1, 2, 3].flatMap((a) => [0, 1, 2, 3].filter((b) => b > a).map((b) => link(from + a, from + b, { weights: [{ field: 'national_id', level: 'exact', weight: 30 }] })))
    const { nodes } = picture_of(records(8), [...knot(0), ...knot(4), link(3, 4, { weights: [{ field: 'name', level: 'close', weight: 3 }] })], { width: 560, height: 320 })
    const mean = (pairs: [number, number][]): number => pairs.reduce((sum, [a, b]) => sum + near(nodes[a] as never, nodes[b] as never), 0) / pairs.length
    expect(mean([[0, 1], [1, 2], [4, 5], [6, 7]]) * 1.5).toBeLessThan(mean([[0, 5], [1, 6], [2, 7], [0, 7]]))
  })
  it('shows whom a cut link led to, and says what it leaves out', () => {
    const { nodes, edges } = picture_of(records(2), [link(0, 1), link(1, 9, { holds: false }), link(0, 8)], size)
    expect(nodes.map((one) => [one.id, one.number])).toEqual([['p0', 1], ['p1', 2], ['p9', 0]])
    expect(edges.map((one) => one.holds)).toEqual([true, false])
    const many = picture_of(records(75), [link(70, 71)], size)
    expect([many.nodes.length, many.left_out]).toEqual([most_nodes, 15])
    expect(many.nodes.some((one) => one.id === 'p70')).toBe(true)
  })
  it('draws one thread for a pair: what holds before what was cut', () => {
    expect(bundled([link(0, 1, { holds: false }), link(1, 0), link(2, 2)]).map((one) => [one.a, one.holds])).toEqual([['p1', true]])
  })
  it('gives twenty-four sources marks of their own', () => {
    const { sources } = picture_of(Array.from({ length: 24 }, (_, at) => ({ id: `${at}`, live: true, source: `s${at}` })), [], size)
    expect(new Set(sources.map((one) => `${one.tone} ${one.shape}`)).size).toBe(24)
    expect(new Set([0, 1, 2, 3].map((shape) => outline(shape, 0, 0, 10))).size).toBe(4)
  })
})
