// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { dots_of, inside, lines_of } from './sides'

describe('records side by side', () => {
  it('mark what differs by the evidence, not by how it is masked', () => {
    const lines = lines_of({ id: 'a', live: true, name: '马雨桐', phone: '160****1111' }, { id: 'b', live: true, name: '马宇桐', phone: '160****1111' }, [
      { field: 'name', level: 'close', weight: 4 },
      { field: 'phone', level: 'differs', weight: -3 },
    ])
    expect(lines.find((one) => one.field === 'name')?.verdict).toBe('alike')
    expect(lines.find((one) => one.field === 'phone')?.verdict).toBe('differs')
    expect(lines.find((one) => one.field === 'address')?.verdict).toBe('missing')
  })
})

describe('the picture of a person', () => {
  it('keeps every record inside, one alone in the middle', () => {
    expect(dots_of([{ id: 'a', live: true }], 400, 200)).toEqual([{ id: 'a', x: 200, y: 100 }])
    for (const dot of dots_of(Array.from({ length: 9 }, (_, at) => ({ id: `${at}`, live: true })), 400, 200)) {
      expect(dot.x).toBeGreaterThan(20)
      expect(dot.x).toBeLessThan(380)
      expect(dot.y).toBeGreaterThan(20)
      expect(dot.y).toBeLessThan(180)
    }
  })
  it('leaves out links to records of others', () => {
    const dots = dots_of([{ id: 'a', live: true }, { id: 'b', live: true }], 400, 200)
    const link = { a: 'a', b: 'b', by_hand: false, holds: true, probability: 1, at: null, weights: [] }
    expect(inside([link, { ...link, b: 'c' }], dots)).toEqual([link])
  })
})
