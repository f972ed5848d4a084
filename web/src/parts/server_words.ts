// SPDX-License-Identifier: Apache-2.0
// What the server says, in the reader's language. The English catalogue holds its sentences with blanks; one that is recognised
// is said from the catalogue of the page, its blanks too where they are sentences. What nobody knows stays as it was said.
import { useI18n } from 'vue-i18n'
import sentences from '../messages/en/server'
import type { Words } from '../messages/words'

export interface Sentence {
  key: string
  form: RegExp
  blanks: string[]
  /** Letters outside of the blanks: of two that fit, the one that says more is meant. */
  length: number
}

/** The catalogue writes `{'|'}` for what its own grammar would read. */
export const as_said = (text: string): string => text.replace(/\{'([^']+)'\}/g, '$1')

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')

export function sentence_of(key: string, text: string): Sentence {
  const blanks: string[] = []
  let form = ''
  let length = 0
  for (const [at, piece] of text.split(/\{([a-z])\}/).entries()) {
    if (at % 2) {
      blanks.push(piece)
      form += '([\\s\\S]+?)'
    } else {
      const said = as_said(piece)
      form += escaped(said)
      length += said.length
    }
  }
  return { key, form: new RegExp(`^${form}$`), blanks, length }
}

function all_of(words: Words, before: string): Sentence[] {
  return Object.entries(words).flatMap(([key, value]) => (typeof value === 'string' ? [sentence_of(before + key, value)] : all_of(value, `${before}${key}.`)))
}

let known: Sentence[] | undefined
export const known_sentences = (): Sentence[] => (known ??= all_of(sentences, 'server.').sort((a, b) => b.length - a.length))

export type Say = (key: string, blanks: Record<string, string>) => string

/** One sentence, or several one after the other. */
export function said(written: string, say: Say, depth = 0): string {
  const text = written.trim()
  const whole = one_said(text, say, depth)
  if (whole !== null) return whole
  // "Patient.birthDate: must be a date…": the place is said as it is.
  const placed = /^([A-Za-z_$][^\s:]{0,200}): ([\s\S]+)$/.exec(text)
  const what = placed ? one_said(placed[2] ?? '', say, depth) : null
  if (placed && what !== null) return `${placed[1]}: ${what}`
  const several = text.split(/(?<=\.) (?=[A-Z])/)
  return several.length > 1 ? several.map((one) => one_said(one, say, depth) ?? one).join(' ') : text
}
function one_said(text: string, say: Say, depth: number): string | null {
  if (depth > 3 || text.length > 1000) return null
  for (const sentence of known_sentences()) {
    const found = sentence.form.exec(text)
    if (found) return say(sentence.key, Object.fromEntries(sentence.blanks.map((name, at) => [name, said(found[at + 1] ?? '', say, depth + 1)])))
  }
  return null
}

/** For pages: what the server said, as the reader reads. */
export function use_server_words(): (text: string | null | undefined) => string {
  const { t, te, locale } = useI18n()
  return (text) => (!text ? '' : locale.value === 'en' ? text : said(text, (key, blanks) => (te(key) ? t(key, blanks) : key)))
}
