// SPDX-License-Identifier: Apache-2.0
// Dates, ages and sizes in the language of the reader, for use in pages.
import { useI18n } from 'vue-i18n'
import { age_on, bytes, day_of, local_day, number, span_ms, time_of } from './format'

export interface Wording {
  /** 今天, 昨天, 11-06 within this year, 2025-11-06 before. */
  day: (text: string | null | undefined) => string
  /** Always 2026-11-20. */
  full_day: (text: string | null | undefined) => string
  /** 今天 14:32. */
  moment: (text: string | null | undefined) => string
  /** 67 岁, 5 个月, 12 天. */
  age: (birth_date: string | null | undefined, on?: string) => string
  /** The name, or words for those whose name was not recorded. */
  name: (name: string | null | undefined) => string
  sex: (sex: string | null | undefined) => string
  number: typeof number
  bytes: typeof bytes
  span_ms: typeof span_ms
  today: () => string
}

export function use_wording(): Wording {
  const { t, te } = useI18n()
  const today = (): string => local_day(new Date())
  const day = (text: string | null | undefined): string => {
    const date = day_of(text)
    if (!date) return t('parts.none')
    const now = new Date()
    if (date === local_day(now)) return t('parts.today')
    if (date === local_day(new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return t('parts.yesterday')
    return date.slice(0, 4) === local_day(now).slice(0, 4) && date.length === 10 ? date.slice(5) : date
  }
  return {
    day,
    full_day: (text) => day_of(text) || t('parts.none'),
    moment: (text) => [day(text), time_of(text)].filter(Boolean).join(' '),
    age: (birth_date, on) => {
      const age = age_on(birth_date, on ?? today())
      return age ? t(`terms.age.${age.unit}`, { n: age.value }, age.value) : t('terms.age.unknown')
    },
    name: (name) => name || t('terms.nameless'),
    sex: (sex) => (sex && te(`terms.sex.${sex}`) ? t(`terms.sex.${sex}`) : t('terms.sex.unknown')),
    number,
    bytes,
    span_ms,
    today,
  }
}
