// SPDX-License-Identifier: Apache-2.0
// A decision in a sentence, the same for the resident and at the counter.
import { useI18n } from 'vue-i18n'
import type { Choices, Decision, Words } from '../client/consent'
import { use_wording } from '../parts/wording'

export interface Said {
  /** In the language of the page. */
  of: (words: Words | undefined) => string
  categories: (ids: readonly string[], all: Choices | null) => string
  relation: (id: string, all: Choices | null) => string
  decision: (one: Decision, all: Choices | null) => string
  until: (one: Decision) => string
}

export function use_said(): Said {
  const { t, locale } = useI18n()
  const wording = use_wording()
  const of = (words: Words | undefined): string => (words ? (locale.value === 'en' ? words.en : words.zh) : '')
  const categories = (ids: readonly string[], all: Choices | null): string => ids.map((id) => of(all?.categories.find((one) => one.id === id)) || id).join(t('consent.comma'))
  const relation = (id: string, all: Choices | null): string => of(all?.relations.find((one) => one.id === id)) || id
  return {
    of,
    categories,
    relation,
    decision: (one, all) => {
      const who = one.institution || one.practitioner || one.kind === 'request' ? one.name || t('consent.somebody') : t('consent.everybody')
      const what = one.categories.length ? categories(one.categories, all) : t('consent.whole_record')
      return t(one.permit ? 'consent.said_open' : 'consent.said_closed', { who, what })
    },
    until: (one) => (one.until ? t('consent.until_day', { day: wording.full_day(one.until) }) : t('consent.until_changed')),
  }
}
