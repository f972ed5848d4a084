// SPDX-License-Identifier: Apache-2.0
// How long, how often and where, in the words of the reader.
import { useI18n } from 'vue-i18n'
import { number } from '../parts/format'
import { format_of, since } from './feeds'

export interface Said {
  /** 3 hours 12 minutes; a dash when it never was. */
  ago: (at: string | null | undefined, now: number) => string
  /** 0.9 s, 62 ms */
  latency: (ms: number | null | undefined) => string
  share: (share: number | null) => string
  /** CSV, with the mapping behind it. */
  format: (format: string) => string
  clock: (at: string | null | undefined) => string
}

const two = (value: number): string => String(value).padStart(2, '0')

export function use_said(): Said {
  const { t, te } = useI18n()
  return {
    ago: (at, now) => {
      const span = since(at, now)
      return span ? t(`intake.ago.${span.unit}`, { a: span.a, b: span.b }) : t('parts.none')
    },
    latency: (ms) => (ms === null || ms === undefined || ms === 0 ? t('parts.none') : ms >= 1000 ? t('intake.seconds', { n: (ms / 1000).toFixed(1) }) : t('intake.milliseconds', { n: number(Math.round(ms)) })),
    share: (share) => (share === null ? t('parts.none') : `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 1)}%`),
    format: (written) => {
      const { kind, mapping } = format_of(written)
      const name = te(`intake.format.${kind}`) ? t(`intake.format.${kind}`) : kind
      return mapping ? `${name} · ${mapping}` : name
    },
    clock: (at) => {
      const then = at ? new Date(at) : null
      return then && !Number.isNaN(then.getTime()) ? `${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}` : ''
    },
  }
}
