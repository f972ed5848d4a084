// SPDX-License-Identifier: Apache-2.0
// Concepts in the reader's language where the house knows the code; else in the words of the record.
import { useI18n } from 'vue-i18n'
import { number } from '../parts/format'
import type { Dose } from './medicine'
import type { Point, Series } from './series'
import type { Concept, Measured } from './values'

const shelves: Record<string, string> = {
  'http://loinc.org': 'loinc',
  'http://hl7.org/fhir/sid/cvx': 'cvx',
  'http://snomed.info/sct': 'snomed',
  'http://dicom.nema.org/resources/ontology/DCM': 'modality',
}

export interface Terms {
  words: (what: Concept | null | undefined) => string
  status: (kind: string, status: string) => string
  figure: (value: Measured, decimals?: number) => string
  /** Value with unit, or words. */
  value: (value: Measured, decimals?: number) => string
  point: (series: Series, point: Point | undefined) => string
  dose: (dose: Dose) => string
}

export function use_terms(): Terms {
  const { t, te } = useI18n()
  const words = (what: Concept | null | undefined): string => {
    if (!what) return ''
    const shelf = shelves[what.system]
    const key = `codes.${shelf ?? ''}.c${what.code.replaceAll('-', '_')}`
    return shelf && te(key) ? t(key) : what.text || t('parts.none')
  }
  const figure = (value: Measured, decimals?: number): string => (value.value === null ? words(value.words) : decimals === undefined ? number(value.value) : number(value.value, decimals))
  const value = (from: Measured, decimals?: number): string => [figure(from, decimals), from.value === null ? '' : from.unit].filter(Boolean).join(' ')
  const times = (rhythm: NonNullable<Dose['times']>): string => (te(`terms.per.${rhythm.unit}`) ? t(`terms.per.${rhythm.unit}`, { per: rhythm.per, times: rhythm.times }, rhythm.per) : '')
  return {
    words,
    figure,
    value,
    status: (kind, status) => (te(`terms.${kind}.${status}`) ? t(`terms.${kind}.${status}`) : status),
    point: (series, point) => {
      if (!point) return t('parts.none')
      if (series.parts.length > 0) {
        const figures = series.parts.flatMap((part) => part.points.filter((other) => other.key === point.key).map((other) => figure(other.measured, part.decimals)))
        return [figures.join('/'), series.parts[0]?.unit].filter(Boolean).join(' ')
      }
      return value(point.measured, series.decimals)
    },
    dose: (dose) => {
      if (dose.text) return dose.text
      const amount = dose.amount === null ? '' : t('terms.each', { amount: `${number(dose.amount)} ${dose.unit}`.trim() })
      return [amount, dose.times ? times(dose.times) : '', dose.as_needed ? t('terms.as_needed') : '', dose.route ? words(dose.route) : ''].filter(Boolean).join(t('parts.list_comma'))
    },
  }
}
