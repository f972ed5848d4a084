// SPDX-License-Identifier: Apache-2.0
// Both languages say the same things, with the same blanks, and pages hold no Chinese of their own.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import en from './en'
import type { Words } from './words'
import zh from './zh-CN'

function flat(words: Words, before = ''): Map<string, string> {
  const all = new Map<string, string>()
  for (const [key, value] of Object.entries(words)) {
    if (typeof value === 'string') all.set(before + key, value)
    else for (const [inner, text] of flat(value, `${before}${key}.`)) all.set(inner, text)
  }
  return all
}
const blanks = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''))].sort()
const chinese = flat(zh)
const english = flat(en)

function pages(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'messages' ? [] : pages(path)
    return /\.(vue|ts)$/.test(entry.name) && !/\.test\.ts$/.test(entry.name) ? [path] : []
  })
}

/** Comments may quote a word; what is drawn may not. */
const without_comments = (text: string): string => text.replace(/<!--[\s\S]*?-->/g, '').replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"])\/\/.*$/gm, '$1')

describe('the catalogue', () => {
  it('has the same keys in both languages', () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort())
  })
  it('leaves the same blanks in both languages', () => {
    for (const [key, text] of chinese) expect([key, blanks(english.get(key) ?? '')]).toEqual([key, blanks(text)])
  })
  it('is polite: no exclamation marks, no empty words', () => {
    for (const [key, text] of [...chinese, ...english]) {
      expect([key, /[!！]/.test(text)]).toEqual([key, false])
    }
  })
  it('is the only place with Chinese words', () => {
    const found = pages(join(process.cwd(), 'src')).filter((path) => /\p{Script=Han}/u.test(without_comments(readFileSync(path, 'utf8'))))
    expect(found).toEqual([])
  })
})
