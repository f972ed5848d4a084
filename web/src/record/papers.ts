// SPDX-License-Identifier: Apache-2.0
// Documents of a record: reports with their results, images, letters, plans.
import type { Attachment, CarePlan, DiagnosticReport, DocumentReference, ImagingStudy } from 'fhir/r4'
import type { Happening, Life } from './life'
import { concept, target_of, tidy, type Concept } from './values'

export interface Paper {
  happening: Happening
  /** Results that the report names, in its order. */
  results: Happening[]
  /** Words of the paper itself. */
  text: string
  attachments: { title: string; type: string; url: string; size: number | null }[]
  /** What a plan wants done, for what. */
  activities: Concept[]
  about: Concept[]
  facts: { label: 'series' | 'instances' | 'modality'; value: string }[]
}

const kinds = new Set(['report', 'imaging', 'document', 'plan'])

export function papers_of(life: Life): Paper[] {
  const by_key = new Map(life.happened.map((one) => [one.key, one]))
  return life.happened.filter((one) => kinds.has(one.kind)).map((one) => paper_of(one, life, by_key))
}

function paper_of(one: Happening, life: Life, by_key: Map<string, Happening>): Paper {
  const paper: Paper = { happening: one, results: [], text: '', attachments: [], activities: [], about: [], facts: [] }
  switch (one.resource.resourceType) {
    case 'DiagnosticReport':
      return { ...paper, ...report(one.resource, life, by_key) }
    case 'DocumentReference':
      return { ...paper, ...document(one.resource) }
    case 'CarePlan':
      return { ...paper, ...plan(one.resource, life) }
    case 'ImagingStudy':
      return { ...paper, facts: imaging(one.resource) }
    default:
      return paper
  }
}

function report(resource: DiagnosticReport, life: Life, by_key: Map<string, Happening>): Partial<Paper> {
  return {
    results: (resource.result ?? []).flatMap((reference) => by_key.get(life.same.get(target_of(reference)) ?? target_of(reference)) ?? []),
    text: [resource.conclusion, ...(resource.presentedForm ?? []).map(plain_text)].filter(Boolean).join('\n\n'),
    attachments: (resource.presentedForm ?? []).flatMap(linked),
  }
}

function document(resource: DocumentReference): Partial<Paper> {
  const attachments = (resource.content ?? []).map((content) => content.attachment)
  return { text: [resource.description, ...attachments.map(plain_text)].filter(Boolean).join('\n\n'), attachments: attachments.flatMap(linked) }
}

function plan(resource: CarePlan, life: Life): Partial<Paper> {
  return {
    text: resource.description ?? '',
    activities: (resource.activity ?? []).flatMap((activity) => (activity.detail?.code ? [concept(activity.detail.code)] : activity.detail?.description ? [{ text: activity.detail.description, system: '', code: '' }] : [])),
    about: (resource.addresses ?? []).flatMap((reference) => {
      const condition = life.by_key.get(target_of(reference))
      return condition?.resourceType === 'Condition' ? [concept(condition.code)] : []
    }).filter((one, at, all) => all.findIndex((other) => other.text === one.text) === at),
  }
}

function imaging(resource: ImagingStudy): Paper['facts'] {
  const modalities = [...new Set((resource.series ?? []).map((series) => series.modality.display ?? series.modality.code ?? ''))].filter(Boolean).map(tidy)
  const facts: Paper['facts'] = []
  if (modalities.length) facts.push({ label: 'modality', value: modalities.join(', ') })
  if (resource.numberOfSeries !== undefined) facts.push({ label: 'series', value: String(resource.numberOfSeries) })
  if (resource.numberOfInstances !== undefined) facts.push({ label: 'instances', value: String(resource.numberOfInstances) })
  return facts
}

/** The words of a text attachment held in the record; '' for anything else. */
export function plain_text(attachment: Attachment): string {
  if (!attachment.data || !(attachment.contentType ?? '').startsWith('text/plain')) return ''
  try {
    const bytes = Uint8Array.from(atob(attachment.data.replace(/\s/g, '')), (letter) => letter.charCodeAt(0))
    return new TextDecoder('utf-8').decode(bytes).trim()
  } catch {
    return ''
  }
}

function linked(attachment: Attachment): Paper['attachments'] {
  if (!attachment.url || !/^(https?:|\/|Binary\/)/.test(attachment.url)) return []
  const url = attachment.url.startsWith('Binary/') ? `/fhir/${attachment.url}` : attachment.url
  return [{ title: attachment.title ?? attachment.contentType ?? '', type: attachment.contentType ?? '', url, size: attachment.size ?? null }]
}
