// SPDX-License-Identifier: Apache-2.0
// Sentences of the server are recognised, and each of them is still said by the server.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createI18n } from 'vue-i18n'
import { describe, expect, it } from 'vitest'
import en from '../messages/en/server'
import zh from '../messages/zh-CN/server'
import type { Words } from '../messages/words'
import { as_said, known_sentences, said } from './server_words'

const i18n = createI18n({ legacy: false, locale: 'zh-CN', messages: { 'zh-CN': { server: zh as Words } } })
const say = (text: string): string => said(text, (key, blanks) => i18n.global.t(key, blanks))

describe('what the server says', () => {
  it('is said in Chinese, with what stood in the blanks', () => {
    expect(say('code=8302-2: by index')).toBe('code=8302-2：查索引')
    expect(say('Patient has no such search parameter')).toBe('Patient 没有这个查询参数')
    expect(say("'Patien' is no resource type of FHIR R4")).toBe('FHIR R4 没有资源类型“Patien”')
    expect(say('one page, in the order of storage')).toBe('按存放的次序取一页')
    expect(say('there is no constant %limit')).toBe('没有常量 %limit')
    expect(say('expected a code, system|code, system| or |code')).toBe('要写 代码、系统|代码、系统| 或 |代码')
    expect(say('a@b|c {x} {y}: by index')).toBe('a@b|c {x} {y}：查索引')
  })
  it('is said in Chinese inside of a sentence too, and one after the other', () => {
    expect(say("is not right: at offset 12: there is no function nope()")).toBe('有错：第 12 个字符处：没有函数 nope()')
    expect(say('fails on a resource: gives several values, take first() or say "collection": true')).toBe('在一条资源上出错：得出几个值，请用 first() 取第一个，或写 "collection": true')
    expect(say('Some systems send 1 for positive: never trust the bare code, map it by source. UNVERIFIED: written from memory of the named document; check it against the edition in force before relying on it.')).toMatch(/^有的系统.*对照。 待核：.*核对。$/)
  })
  it('is said in Chinese of tables and shared documents too', () => {
    expect(say('is no word of the code table "sex"; add it to the mapping, or correct the cell')).toBe('不在代码表“sex”里，请加到映射里，或改这一格')
    expect(say('is no date; write it as 2026-11-22, 20261122 or 2026年11月22日; the cell was left out')).toBe('不是日期，请写成 2026-11-22、20261122 或 2026年11月22日；这一格没有采用')
    expect(say('row 12, column 出生日期')).toBe('第 12 行，“出生日期”列')
    expect(say('Patient.birthDate is of type date, but column "sex" is of kind code; map another column, or give this one another kind')).toBe('Patient.birthDate 的类型是 date，而列“sex”的类型是 code；请换一列，或改这一列的类型')
    expect(say('needs a key: what tells this resource from others of the sender, as ["visit", "$visit_number"]')).toMatch(/^要有 key：.*\["visit", "\$visit_number"\]$/)
    expect(say('declares a document type (entities, external references); send it without DOCTYPE')).toBe('声明了文档类型（实体、外部引用），请去掉 DOCTYPE')
    expect(say('unpacks to more than the limit, as an archive bomb does; save the workbook anew')).toBe('解压后超过上限，像压缩炸弹，请把表格另存一份再送')
  })
  it('keeps the place that it speaks of', () => {
    expect(say('Patient.contact[2].gender: must be one of: male, female')).toBe('Patient.contact[2].gender: 必须是以下之一：male, female')
    expect(say('elsewhere: nothing we know')).toBe('elsewhere: nothing we know')
  })
  it('stays as it is when nobody knows it', () => {
    for (const text of ['something new', '', 'is', 'x'.repeat(5000), '{a}', '('.repeat(300)]) expect(say(text)).toBe(text)
  })
  it('is still said: every piece of every sentence stands in the sources', () => {
    const room = (folder: string): string[] => readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? room(join(folder, entry.name)) : /\.(cpp|h)$/.test(entry.name) && !/_test\.cpp$/.test(entry.name) ? [join(folder, entry.name)] : []))
    const tables = (folder: string): string[] => readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? tables(join(folder, entry.name)) : /\.json$/.test(entry.name) ? [join(folder, entry.name)] : []))
    const root = join(process.cwd(), '..')
    const sources = room(join(root, 'src')).map((path) => readFileSync(path, 'utf8')).join('\n').replace(/"\s*\n\s*"/g, '').replaceAll('\\"', '"') + tables(join(root, 'content/terminology')).map((path) => readFileSync(path, 'utf8')).join('\n')
    const flat = (words: Words): string[] => Object.values(words).flatMap((value) => (typeof value === 'string' ? [value] : flat(value)))
    const gone = flat(en as Words).flatMap((text) => as_said(text).split(/\{[a-z]\}/)).map((piece) => piece.trim().replace(/^[):;,.' ]+|[(:' %]+$/g, '')).filter((piece) => piece.length > 5 && !sources.includes(piece))
    expect(gone).toEqual([])
  }, 60_000) // reads every source; a busy machine takes its time
  it('has a form for each', () => {
    expect(known_sentences().length).toBeGreaterThan(200)
  })
})
