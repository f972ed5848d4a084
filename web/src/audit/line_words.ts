// SPDX-License-Identifier: Apache-2.0
// A look in plain words: what was done, by whom, why.
import { useI18n } from 'vue-i18n'

interface Look {
  what: string
  type: string
  purpose: string
  authorisation: string
  status: number
}

export function use_line_words(): { what: (look: Look) => string; why: (look: Look) => string; role: (role: string) => string } {
  const { t, te } = useI18n()
  const known = (key: string, other: string): string => (te(key) ? t(key) : other)
  return {
    what: (look) => {
      const action = known(`audit.what.${look.what}`, look.what)
      const thing = look.type ? known(`terms.resource.${look.type}`, look.type) : ''
      return thing ? t('audit.what_of', { action, thing }) : action
    },
    why: (look) => (look.authorisation.startsWith('break-glass') || look.what === 'break-glass' ? t('audit.purpose.break-glass') : look.purpose ? known(`audit.purpose.${look.purpose}`, look.purpose) : ''),
    role: (role) => known(`terms.role.${role}`, role),
  }
}
