// SPDX-License-Identifier: Apache-2.0
// Exports as the page reasons about them: what may be ordered, how far one is, what a message of progress changes.
import { tidy, type Export, type ExportLevel, type ExportOrder } from '../client/exports'
import { is_day } from '../parts/calendar'
import type { Status } from '../parts/status'

export interface Draft {
  level: ExportLevel
  group: string
  types: string[]
  /** A day, '' for from the beginning. */
  since: string
  /** One search a line: Observation?status=final */
  filters: string
  /** Elements, between commas or on lines: Patient.birthDate, or id for all types. */
  elements: string
  /** De-identified for this; '' for as it is. */
  release: string
}
export const empty_draft = (): Draft => ({ level: 'system', group: '', types: [], since: '', filters: '', elements: '', release: '' })

export type Complaint = 'release' | 'group' | 'since' | 'filter' | 'filter_type' | 'element' | 'element_type'

const lines = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter(Boolean)
const words = (text: string): string[] => [...new Set(text.split(/[\s,\uff0c\u3001]+/).filter(Boolean))]

/** What the server would refuse is said before it is asked. */
export function complaint_of(draft: Draft, today: string): Complaint | null {
  if (draft.level === 'group' && !/^[A-Za-z0-9.-]{1,64}$/.test(draft.group.trim())) return 'group'
  if (draft.since && (!is_day(draft.since) || draft.since > today)) return 'since'
  for (const filter of lines(draft.filters)) {
    const type = /^([A-Z][A-Za-z]+)\?\S+$/.exec(filter)?.[1]
    if (!type) return 'filter'
    if (draft.types.length > 0 && !draft.types.includes(type)) return 'filter_type'
  }
  for (const element of words(draft.elements)) {
    const form = /^(?:([A-Z][A-Za-z]+)\.)?[a-z][A-Za-z]*$/.exec(element)
    if (!form) return 'element'
    if (form[1] && draft.types.length > 0 && !draft.types.includes(form[1])) return 'element_type'
  }
  return null
}

/** A day begins where the reader is. */
export function order_of(draft: Draft): ExportOrder {
  const filters = lines(draft.filters)
  const elements = words(draft.elements)
  return {
    level: draft.level,
    types: [...draft.types].sort(),
    ...(draft.level === 'group' ? { group: draft.group.trim() } : {}),
    ...(draft.since ? { since: new Date(`${draft.since}T00:00:00`).toISOString() } : {}),
    ...(filters.length ? { type_filter: filters } : {}),
    ...(elements.length ? { elements } : {}),
    ...(draft.release.trim() ? { release: draft.release.trim() } : {}),
  }
}

export const is_over = (job: Export): boolean => job.state === 'done' || job.state === 'failed' || job.state === 'cancelled'

/** 0 to 1; null while nobody knows how many there are. */
export function share_done(job: Export): number | null {
  if (job.state === 'done') return 1
  return job.resources_total ? Math.min(1, job.resources / job.resources_total) : null
}

export function status_of(job: Export): Status {
  if (job.state === 'failed') return 'critical'
  if (job.state === 'done') return 'good'
  if (job.state === 'asked') return 'warning'
  return job.state === 'running' ? 'info' : 'quiet'
}

/** A message of progress: the job it is about is replaced, a new one comes first; its files stay known. */
export function merged(jobs: readonly Export[], told: Export): Export[] {
  const at = jobs.findIndex((job) => job.id === told.id)
  if (at < 0) return [told, ...jobs]
  const held = jobs[at]
  // A late message doesn't wake a job that is over.
  if (held && is_over(held) && !is_over(told)) return [...jobs]
  return jobs.map((job) => (job.id === told.id ? { ...told, outputs: told.outputs ?? job.outputs } : job))
}

export function told_of(data: string): Export | null {
  try {
    const value = JSON.parse(data) as Partial<Export> | null
    return value && typeof value.id === 'string' && typeof value.state === 'string' && Array.isArray(value.types) ? tidy(value as Export) : null
  } catch {
    return null
  }
}

/** The name of a file someone downloads. */
export const file_name = (url: string): string => url.split('/').at(-1) ?? 'export'
