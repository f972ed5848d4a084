// SPDX-License-Identifier: Apache-2.0
// The words of a rule in the language of the page, its holes filled with what was found.
import type { Rule } from '../client/audit'

export const word_of = (words: Record<string, string> | undefined, locale: string): string => words?.[locale] ?? words?.['zh-CN'] ?? ''
export const why_of = (rule: Rule | undefined, facts: Record<string, string>, locale: string): string => word_of(rule?.why, locale).replace(/\{(\w+)\}/g, (_all, name: string) => facts[name] ?? '—')
