// SPDX-License-Identifier: Apache-2.0
// What the search has met is marked; nothing is lost or added.
import { describe, expect, it } from 'vitest'
import { highlight, highlight_pinyin, type Piece } from './highlight'

const marked = (pieces: Piece[]): string => pieces.map((piece) => (piece.on ? `[${piece.text}]` : piece.text)).join('')

describe('a name', () => {
  it('is marked without regard to case and accents, for every word', () => {
    expect(marked(highlight('Abdul Koepp', 'ko AB'))).toBe('[Ab]dul [Ko]epp')
    expect(marked(highlight('Hernán Heredia', 'hernan'))).toBe('[Hernán] Heredia')
    expect(marked(highlight('王桂兰', '桂兰'))).toBe('王[桂兰]')
  })
  it('stays whole when nothing fits or nothing is asked', () => {
    expect(marked(highlight('王桂兰', ''))).toBe('王桂兰')
    expect(marked(highlight('王桂兰', 'xyz'))).toBe('王桂兰')
  })
})

describe('pinyin', () => {
  it('is marked by initials', () => {
    expect(marked(highlight_pinyin('Wáng Guìlán', 'wgl'))).toBe('[W]áng [G]uì[l]án')
    expect(marked(highlight_pinyin('Wáng Guóliáng', 'wgl'))).toBe('[W]áng [G]uó[l]iáng')
    expect(marked(highlight_pinyin('Wèi Guǎnglín', 'gl'))).toBe('Wèi [G]uǎng[l]ín')
  })
  it('is marked by syllables written out, with or without spaces', () => {
    expect(marked(highlight_pinyin('Wáng Guìlán', 'wanggui'))).toBe('[Wáng] [Guì]lán')
    expect(marked(highlight_pinyin('Zhāng Shìhuá', 'zhang shi'))).toBe('[Zhāng] [Shì]huá')
  })
  it('knows a second zh, ch, sh as one beginning', () => {
    expect(marked(highlight_pinyin('Lǐ Míngzhū', 'lmz'))).toBe('[L]ǐ [M]íng[z]hū')
  })
  it('never loses a letter', () => {
    for (const search of ['', 'w', 'wgl', 'guilan', '123', '王']) {
      expect(highlight_pinyin('Wáng Guìlán', search).map((piece) => piece.text).join('')).toBe('Wáng Guìlán')
    }
  })
})
