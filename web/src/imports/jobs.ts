// SPDX-License-Identifier: Apache-2.0
// Imports as the page reasons about them: which files may go, how far a job is, why entries were rejected.
import { largest_import_bytes } from '../client/imports'
import type { Import } from '../client/types'
import type { Status } from '../parts/status'

export type FileComplaint = 'kind' | 'empty' | 'large'

/** What the server would refuse is said before a byte is sent. */
export function complaint_of_file(file: { name: string; size: number }): FileComplaint | null {
  if (!/.\.(json|ndjson|jsonl)(\.(gz|zst))?$/.test(file.name)) return 'kind'
  if (file.size === 0) return 'empty'
  return file.size > largest_import_bytes ? 'large' : null
}

export const is_over = (job: Import): boolean => job.state === 'done' || job.state === 'failed' || job.state === 'cancelled'

/** 0 to 1. A packed file is measured by its packed bytes. */
export function share_done(job: Import): number {
  if (job.state === 'done') return 1
  return job.bytes > 0 ? Math.min(1, job.bytes_done / job.bytes) : 0
}

/** Seconds a running job still needs at its pace; null while that would be a guess. */
export function seconds_left(job: Import, now: number): number | null {
  if (job.state !== 'running' || !job.started_at) return null
  const passed = (now - Date.parse(job.started_at)) / 1000
  const share = share_done(job)
  return passed >= 2 && share >= 0.02 && share < 1 ? (passed / share) * (1 - share) : null
}

/** How long a finished job took. */
export function seconds_taken(job: Import): number | null {
  if (!job.started_at || !job.finished_at) return null
  const seconds = (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000
  return seconds >= 0 ? seconds : null
}

/** The state as people mean it: done with nothing stored is not done. */
export function outcome_of(job: Import): Import['state'] | 'done_partly' | 'done_none' {
  if (job.state !== 'done' || job.rejected === 0) return job.state
  return job.stored + job.unchanged === 0 ? 'done_none' : 'done_partly'
}

/** A done import with rejected entries still needs someone. */
export function status_of(job: Import): Status {
  if (job.state === 'failed' || outcome_of(job) === 'done_none') return 'critical'
  if (job.state === 'done') return job.rejected > 0 ? 'warning' : 'good'
  return job.state === 'running' ? 'info' : 'quiet'
}

export const views = ['all', 'active', 'trouble'] as const
export type View = (typeof views)[number]
export const as_view = (value: unknown): View => views.find((view) => view === value) ?? 'all'
export function in_view(job: Import, view: View): boolean {
  if (view === 'active') return !is_over(job)
  return view === 'trouble' ? job.state === 'failed' || job.rejected > 0 : true
}

export interface Reason {
  reason: string
  count: number
  /** Lines of the file, the first few. */
  lines: number[]
}

/** The reasons in a file of rejected entries, most frequent first. Ids and numbers in them don't make two of one. */
export function reasons_of(ndjson: string): Reason[] {
  const found = new Map<string, Reason>()
  for (const text of ndjson.split('\n')) {
    if (!text.trim()) continue
    let entry: { reason?: unknown; line?: unknown }
    try {
      entry = JSON.parse(text) as typeof entry
    } catch {
      continue
    }
    const reason = typeof entry?.reason === 'string' ? entry.reason : ''
    const key = reason.replace(/\[\d+\]/g, '[]').replace(/\d+/g, '0')
    const held = found.get(key) ?? { reason, count: 0, lines: [] }
    held.count += 1
    if (typeof entry?.line === 'number' && held.lines.length < 5) held.lines.push(entry.line)
    found.set(key, held)
  }
  return [...found.values()].sort((a, b) => b.count - a.count)
}
