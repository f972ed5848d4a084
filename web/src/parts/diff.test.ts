// SPDX-License-Identifier: Apache-2.0
// Differences: they rebuild both texts, and are as short as a plain longest-common-subsequence table says.
import { describe, expect, it } from 'vitest'
import { changes, diff_lines, hunks } from './diff'

const words = (text: string): string => [...text].join('\n')
const before_of = (lines: ReturnType<typeof diff_lines>): string => lines.filter((one) => one.kind !== 'new').map((one) => one.text).join('')
const after_of = (lines: ReturnType<typeof diff_lines>): string => lines.filter((one) => one.kind !== 'gone').map((one) => one.text).join('')

function common(a: string, b: string): number {
  let row = new Array<number>(b.length + 1).fill(0)
  for (const letter of a) {
    const next = [0]
    for (let j = 0; j < b.length; j++) next.push(letter === b[j] ? (row[j] ?? 0) + 1 : Math.max(next[j] ?? 0, row[j + 1] ?? 0))
    row = next
  }
  return row[b.length] ?? 0
}

describe('the difference of two texts', () => {
  it('finds nothing between equal texts', () => {
    expect(changes(diff_lines('a\nb', 'a\nb'))).toEqual({ gone: 0, added: 0 })
    expect(diff_lines('', '')).toEqual([])
  })
  it('numbers the lines on both sides', () => {
    expect(diff_lines('a\nb\nc', 'a\nx\nc\nd').map((one) => [one.kind, one.before, one.after])).toEqual([
      ['same', 1, 1],
      ['gone', 2, null],
      ['new', null, 2],
      ['same', 3, 3],
      ['new', null, 4],
    ])
  })
  it('takes a deletion as everything gone', () => {
    expect(changes(diff_lines('a\nb', ''))).toEqual({ gone: 2, added: 0 })
  })
  it('rebuilds both texts with the fewest changes, for random texts', () => {
    let seed = 7
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below
    const text = (): string => Array.from({ length: random(14) }, () => 'abc'[random(3)]).join('')
    for (let round = 0; round < 600; round++) {
      const [a, b] = [text(), text()]
      const lines = diff_lines(words(a), words(b))
      expect([before_of(lines), after_of(lines)]).toEqual([a, b])
      const { gone, added } = changes(lines)
      expect([a, b, gone + added]).toEqual([a, b, a.length + b.length - 2 * common(a, b)])
    }
  })
  it('gives up neatly on texts that share nothing', () => {
    const many = (mark: string): string => Array.from({ length: 5000 }, (_, i) => `${mark}${i}`).join('\n')
    expect(changes(diff_lines(many('a'), many('b')))).toEqual({ gone: 5000, added: 5000 })
  })
})

describe('the changed places', () => {
  it('leave out what is far from a change and count it', () => {
    const a = Array.from({ length: 40 }, (_, i) => `line ${i}`)
    const b = a.map((line, i) => (i === 10 || i === 12 || i === 30 ? `${line} changed` : line))
    const found = hunks(diff_lines(a.join('\n'), b.join('\n')), 2)
    expect(found.hunks.map((hunk) => hunk.skipped)).toEqual([8, 13])
    expect(found.rest).toBe(7)
    expect(found.hunks.reduce((sum, hunk) => sum + hunk.skipped + hunk.lines.filter((one) => one.kind !== 'new').length, 0) + found.rest).toBe(40)
  })
  it('are none between equal texts', () => {
    expect(hunks(diff_lines('a\nb', 'a\nb'))).toEqual({ hunks: [], rest: 2 })
  })
})
