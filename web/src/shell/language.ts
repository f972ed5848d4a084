// SPDX-License-Identifier: Apache-2.0
// Two languages: Chinese by default, English on request. Only the one in use is loaded.
import { nextTick } from 'vue'
import { createI18n } from 'vue-i18n'

export const languages = ['zh-CN', 'en'] as const
export type Language = (typeof languages)[number]

export const i18n = createI18n({ legacy: false, locale: 'zh-CN', fallbackLocale: false, messages: {}, missingWarn: false, fallbackWarn: false })

const loaded = new Set<Language>()
const kept_as = 'xinglin.language'

export function remembered_language(): Language {
  try {
    return localStorage.getItem(kept_as) === 'en' ? 'en' : 'zh-CN'
  } catch {
    return 'zh-CN'
  }
}

export async function speak(language: Language): Promise<void> {
  if (!loaded.has(language)) {
    const messages = language === 'en' ? await import('../messages/en') : await import('../messages/zh-CN')
    i18n.global.setLocaleMessage(language, messages.default)
    loaded.add(language)
  }
  i18n.global.locale.value = language
  document.documentElement.lang = language
  try {
    localStorage.setItem(kept_as, language)
  } catch {
    // A browser without storage still gets the language for this visit.
  }
  await nextTick()
}
