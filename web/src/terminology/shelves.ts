// SPDX-License-Identifier: Apache-2.0
// Terminology as the pages reason about it: which systems stand first, what is in force, which letters were met, where a file is wrong.
import type { Parameters } from 'fhir/r4'
import type { CodeSystemInfo, Concept } from '../client/terminology'
import { highlight, highlight_pinyin, type Piece } from '../parts/highlight'

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

/** Every word must be in one of the texts. */
export function fits(words: string, ...texts: (string | null | undefined)[]): boolean {
  const all = fold(texts.filter(Boolean).join(' '))
  return words.trim().split(/\s+/).every((word) => all.includes(fold(word)))
}

/** Systems with Chinese names are the country's own: first, the largest of them first; then the others by name. */
export function own_first(systems: readonly CodeSystemInfo[]): { own: CodeSystemInfo[]; others: CodeSystemInfo[] } {
  const is_own = (one: CodeSystemInfo): boolean => /\p{Script=Han}/u.test(one.title)
  return {
    own: systems.filter(is_own).sort((a, b) => b.count - a.count || (a.url < b.url ? -1 : 1)),
    others: systems.filter((one) => !is_own(one)).sort((a, b) => (fold(a.title || a.name) < fold(b.title || b.name) ? -1 : 1)),
  }
}

/** Some of HL7's definitions were published as "***TODO***": nobody has written them. */
export const is_unwritten = (definition: string | null | undefined): boolean => /^[\s*]*(?:todo|tbd)[\s*.]*$/i.test(definition ?? '')

export type Force = 'now' | 'not_yet' | 'over' | 'open'
export function force_of(system: Pick<CodeSystemInfo, 'in_force_from' | 'in_force_to'>, today: string): Force {
  if (system.in_force_from && system.in_force_from > today) return 'not_yet'
  if (system.in_force_to && system.in_force_to < today) return 'over'
  return system.in_force_from || system.in_force_to ? 'now' : 'open'
}

export interface Marked {
  code: Piece[]
  display: Piece[]
  english: Piece[]
  pinyin: Piece[]
}
/** A found concept with what the search has met; the pinyin only where it is the reason. */
export function marked(concept: Concept, q: string): Marked {
  const by_sound = concept.matched === 'pinyin' || concept.matched === 'initials'
  return {
    code: concept.matched === 'code' ? highlight(concept.code, q) : [{ text: concept.code, on: false }],
    display: highlight(concept.display, q),
    english: concept.display_en && concept.display_en !== concept.display ? highlight(concept.display_en, q) : [],
    pinyin: by_sound && concept.pinyin ? highlight_pinyin(concept.pinyin, q) : [],
  }
}

export interface Translated {
  /** Canonical address of the map that says so. */
  map: string
  system: string
  code: string
  display: string
  equivalence: string
}
export function translations_of(answer: Parameters): Translated[] {
  return (answer.parameter ?? []).flatMap((one) => {
    if (one.name !== 'match') return []
    const part = (name: string): NonNullable<typeof one.part>[number] | undefined => one.part?.find((each) => each.name === name)
    const coding = part('concept')?.valueCoding
    return coding?.code ? [{ map: part('source')?.valueUri ?? '', system: coding.system ?? '', code: coding.code, display: coding.display ?? '', equivalence: part('equivalence')?.valueCode ?? part('relationship')?.valueCode ?? '' }] : []
  })
}

/** The end of an address: what people know of it. */
export const short_name = (url: string): string => url.replace(/[?|].*$/, '').split(/[/:#]/).filter(Boolean).at(-1) ?? url

/** What a system or set is called in a language; '' when it has only an address. */
export function title_of(one: { title: string; title_en?: string | null; name: string }, language: string): string {
  const is_name = (text: string | null | undefined): text is string => Boolean(text) && !/^(?:urn:|https?:|\d+(?:\.\d+){3,}$)/.test(text ?? '')
  return [language === 'en' ? one.title_en : '', one.title, one.name].find(is_name) ?? ''
}

/** A table written down from memory says so; nobody should find out later. */
export const is_unverified = (note: string | null | undefined): boolean => /\bUNVERIFIED\b/.test(note ?? '')

/** What a file of an edition lacks before it is sent; null when the server may have it. */
export function complaint_of_file(text: string): 'empty' | 'no_head' | 'no_rows' | null {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/).filter((line) => line.trim() !== '')
  if (lines.length === 0) return 'empty'
  const names = (lines[0] ?? '').split(',').map((name) => name.trim().replace(/^"|"$/g, ''))
  if (!names.includes('code') || !names.includes('display')) return 'no_head'
  return lines.length === 1 ? 'no_rows' : null
}

/** The line an error names ("line 12, column 3"), with the line itself. */
export function line_in(text: string, where: string): { line: number; content: string } | null {
  const line = Number(/line\s+(\d+)/i.exec(where)?.[1] ?? 0)
  const content = line > 0 ? text.split(/\r?\n/)[line - 1] : undefined
  return content === undefined ? null : { line, content: content.slice(0, 300) }
}
