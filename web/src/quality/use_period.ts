// SPDX-License-Identifier: Apache-2.0
// The period and data set asked for, kept in the address so that both pages and a bookmark mean the same.
import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { QualityQuestion, Words } from '../client/quality'

export interface Period {
  question: ComputedRef<QualityQuestion>
  set: (more: Record<string, string | undefined>) => void
}

export function use_period(): Period {
  const route = useRoute()
  const router = useRouter()
  const asked = (name: string): string | undefined => (typeof route.query[name] === 'string' && route.query[name] ? route.query[name] : undefined)
  return {
    question: computed(() => ({ from: asked('from'), to: asked('to'), set: asked('set') })),
    set: (more) => void router.replace({ query: { ...route.query, ...more } }),
  }
}

export const in_language = (words: Words, locale: string): string => (locale === 'en' ? words.en : words['zh-CN'])
