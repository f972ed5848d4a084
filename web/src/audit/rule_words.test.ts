// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { why_of, word_of } from './rule_words'

const rule = { id: 'volume', names: { 'zh-CN': '查看量异常', en: 'Many people' }, why: { 'zh-CN': '当天 {people} 人', en: '{people} people, {mean} usually' } }

describe('the words of a rule', () => {
  it('are those of the language, their holes filled', () => {
    expect(why_of(rule, { people: '90', mean: '29.0' }, 'en')).toBe('90 people, 29.0 usually')
    expect(word_of(rule.names, 'zh-CN')).toBe('查看量异常')
  })
  it('fall back to Chinese, and say a dash for what is not known', () => {
    expect(word_of(rule.names, 'fr')).toBe('查看量异常')
    expect(why_of(rule, {}, 'zh-CN')).toBe('当天 — 人')
    expect(why_of(undefined, {}, 'en')).toBe('')
  })
})
