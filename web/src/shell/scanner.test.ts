// SPDX-License-Identifier: Apache-2.0
// What a hand scanner types is a card, whatever stands between it and the page; what people type is not.
import { describe, expect, it } from 'vitest'
import { Wedge } from './scanner'

const card = `XH1${'0123456789ABCDEFGHJKMNPQRSTVWXYZ'.repeat(5).slice(0, 141)}`
const code_of = (letter: string): string => (/\d/.test(letter) ? `Digit${letter}` : `Key${letter.toUpperCase()}`)

function type(letters: string, key_of: (letter: string) => string, gap_ms = 5): { card: string; swallowed: number } {
  const wedge = new Wedge()
  let swallowed = 0
  ;[...letters].forEach((letter, i) => (swallowed += wedge.feed({ key: key_of(letter), code: code_of(letter), at_ms: i * gap_ms }).swallow ? 1 : 0))
  return { card: wedge.feed({ key: 'Enter', code: 'Enter', at_ms: letters.length * gap_ms }).card, swallowed }
}

describe('a hand scanner', () => {
  it('is heard through caps lock, input methods and other layouts', () => {
    expect(type(card, (one) => one).card).toBe(card)
    expect(type(card, (one) => one.toLowerCase()).card).toBe(card)
    expect(type(card, () => 'Process').card).toBe(card)
    expect(type(card, (one) => ({ Q: 'A', A: 'Q', W: 'Z', Z: 'W' })[one] ?? one).card).toBe(card)
    expect(type(card, (one) => one).swallowed).toBe(card.length - 2)
  })
  it('is nobody who types by hand, and no other code', () => {
    expect(type(card, (one) => one, 150).card).toBe('')
    expect(type('6901234567892', (one) => one)).toEqual({ card: '', swallowed: 0 })
    expect(type('XH1', (one) => one).card).toBe('')
  })
})
