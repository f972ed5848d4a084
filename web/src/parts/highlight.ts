// SPDX-License-Identifier: Apache-2.0
// Why a person was found, shown in the name itself: which letters the search has met.

export interface Piece {
  text: string
  on: boolean
}

const fold = (letter: string): string =>
  letter
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
const is_vowel = (letter: string | undefined): boolean => letter !== undefined && 'aeiouüv'.includes(letter)

function pieces(letters: string[], on: Set<number>): Piece[] {
  const result: Piece[] = []
  letters.forEach((letter, at) => {
    const last = result.at(-1)
    if (last && last.on === on.has(at)) last.text += letter
    else result.push({ text: letter, on: on.has(at) })
  })
  return result
}

/** Marks every word of the search inside a text, without regard to case and accents. */
export function highlight(text: string, search: string): Piece[] {
  const letters = Array.from(text)
  const folded = letters.map(fold)
  const on = new Set<number>()
  for (const word of search.trim().split(/\s+/).filter(Boolean)) {
    const wanted = Array.from(word).map(fold)
    for (let at = 0; at + wanted.length <= folded.length; at++) {
      if (wanted.every((letter, i) => folded[at + i] === letter)) wanted.forEach((_, i) => on.add(at + i))
    }
  }
  return pieces(letters, on)
}

/** Marks initials ("wgl") or a beginning of the syllables ("wanggui") in toned pinyin ("Wáng Guìlán"). */
export function highlight_pinyin(pinyin: string, search: string): Piece[] {
  const letters = Array.from(pinyin)
  const folded = letters.map(fold)
  const wanted = Array.from(search.replace(/[\s']/g, '')).map(fold)
  if (wanted.length === 0) return pieces(letters, new Set())
  const starts = syllable_starts(folded)
  const run = spelled_run(folded, starts, wanted)
  if (run) return pieces(letters, run)
  for (let first = 0; first + wanted.length <= starts.length; first++) {
    const at = starts.slice(first, first + wanted.length)
    if (at.every((position, i) => folded[position] === wanted[i])) return pieces(letters, new Set(at))
  }
  return pieces(letters, new Set())
}

/** A syllable begins a word, or is a consonant before a vowel that follows the end of another syllable. */
function syllable_starts(folded: string[]): number[] {
  const is_letter = (letter: string | undefined): boolean => letter !== undefined && /^[a-zü]$/.test(letter)
  return folded.flatMap((letter, at) => {
    if (!is_letter(letter)) return []
    const before = folded[at - 1]
    if (!is_letter(before)) return [at]
    const follows = is_vowel(folded[at + 1]) || (folded[at + 1] === 'h' && is_vowel(folded[at + 2]))
    return !is_vowel(letter) && follows && !(letter === 'h' && 'zcs'.includes(before ?? '')) ? [at] : []
  })
}

/** The letters of a search that spells syllables out, spaces left aside. */
function spelled_run(folded: string[], starts: number[], wanted: string[]): Set<number> | null {
  for (const start of starts) {
    const on: number[] = []
    let at = start
    while (at < folded.length && on.length < wanted.length) {
      if (folded[at] === wanted[on.length]) on.push(at)
      else if (/^[a-zü]$/.test(folded[at] ?? '')) break
      at += 1
    }
    if (on.length === wanted.length) return new Set(on)
  }
  return null
}
