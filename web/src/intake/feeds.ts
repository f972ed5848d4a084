// SPDX-License-Identifier: Apache-2.0
// Feeds as the page reasons about them: who needs someone, how long a source has been silent, the bars of a day.
import type { Hour, Source, SourceDraft, SourceKind, SourceState } from '../client/intake'
import type { Status } from '../parts/status'

/** What needs someone comes first; then the name decides. */
const order: Record<SourceState, number> = { silent: 0, failing: 1, late: 2, paused: 3, ok: 4 }
export function worst_first(sources: readonly Source[]): Source[] {
  const silent_since = (source: Source): number => (source.state === 'silent' && source.last_at ? Date.parse(source.last_at) : 0)
  return [...sources].sort((a, b) => order[a.state] - order[b.state] || silent_since(a) - silent_since(b) || b.today.received - a.today.received || (a.name < b.name ? -1 : 1))
}

export const status_of: Record<SourceState, Status> = { ok: 'good', late: 'notice', silent: 'critical', failing: 'warning', paused: 'quiet' }

export const shows = ['all', 'silent', 'trouble', 'paused'] as const
export type Show = (typeof shows)[number]
export const as_show = (value: unknown): Show => shows.find((show) => show === value) ?? 'all'
export function in_show(source: Source, show: Show): boolean {
  if (show === 'silent') return source.state === 'silent' || source.state === 'late'
  if (show === 'trouble') return source.state === 'failing' || source.today.rejected > 0
  return show === 'paused' ? source.paused : true
}

/** "csv:clinic-visits" is CSV with a mapping. */
export function format_of(format: string): { kind: string; mapping: string } {
  const at = format.indexOf(':')
  return at < 0 ? { kind: format, mapping: '' } : { kind: format.slice(0, at), mapping: format.slice(at + 1) }
}

export interface Span {
  unit: 'now' | 'minutes' | 'hours' | 'days'
  a: number
  b: number
}
/** How long ago: 41 minutes, 3 hours 12 minutes, 2 days 4 hours; null when it never was. */
export function since(at: string | null | undefined, now: number): Span | null {
  const then = at ? Date.parse(at) : Number.NaN
  if (!Number.isFinite(then)) return null
  const minutes = Math.max(0, Math.floor((now - then) / 60_000))
  if (minutes < 1) return { unit: 'now', a: 0, b: 0 }
  if (minutes < 60) return { unit: 'minutes', a: minutes, b: 0 }
  if (minutes < 1440) return { unit: 'hours', a: Math.floor(minutes / 60), b: minutes % 60 }
  return { unit: 'days', a: Math.floor(minutes / 1440), b: Math.floor((minutes % 1440) / 60) }
}

/** The share of today's messages that were rejected; null when there were none. */
export const rejected_share = (source: Pick<Source, 'today'>): number | null => (source.today.received > 0 ? source.today.rejected / source.today.received : null)

export interface Totals {
  received: number
  stored: number
  rejected: number
  duplicate: number
  waiting: number
  sources: number
  silent: number
  slowest_ms: number | null
}
export function totals_of(sources: readonly Source[]): Totals {
  const sum = (of: (source: Source) => number): number => sources.reduce((all, source) => all + of(source), 0)
  const latencies = sources.map((source) => source.latency_ms?.p99).filter((ms): ms is number => typeof ms === 'number' && ms > 0)
  return {
    received: sum((source) => source.today.received),
    stored: sum((source) => source.today.stored),
    rejected: sum((source) => source.today.rejected),
    duplicate: sum((source) => source.today.duplicate),
    waiting: sum((source) => source.waiting),
    sources: sources.length,
    silent: sources.filter((source) => source.state === 'silent').length,
    slowest_ms: latencies.length ? Math.max(...latencies) : null,
  }
}

export interface Bar {
  x: number
  height: number
  /** More than one in twenty was rejected in this hour, or nothing came though it was expected. */
  state: 'good' | 'rejected' | 'missing' | 'none'
}
/** The last `count` hours as bars of a picture `width` by `high`, and the line of what was expected. */
export function bars_of(hours: readonly Hour[], count: number, width: number, high: number): { bars: Bar[]; expected: string; most: number } {
  const last = hours.slice(-count)
  const most = Math.max(1, ...last.map((hour) => Math.max(hour.received, hour.expected ?? 0)))
  const step = width / count
  const first = count - last.length
  const bars = last.map((hour, at): Bar => {
    const missing = hour.received === 0 && (hour.expected ?? 0) >= 1
    const height = hour.received > 0 ? Math.max(1.5, (hour.received / most) * high) : missing ? 1.5 : 0
    return { x: (first + at) * step, height, state: hour.received === 0 ? (missing ? 'missing' : 'none') : hour.rejected > 0.05 * hour.received ? 'rejected' : 'good' }
  })
  const points = last.map((hour, at) => (hour.expected === null ? '' : `${((first + at + 0.5) * step).toFixed(1)},${(high - (hour.expected / most) * high).toFixed(1)}`)).filter(Boolean)
  return { bars, expected: points.length > 1 ? points.join(' ') : '', most }
}

/** What usually comes in an hour, give or take two of its roots: counts of independent arrivals scatter so. */
export function band_of(expected: number | null): { low: number; high: number } | null {
  if (expected === null) return null
  const wide = 2 * Math.sqrt(expected)
  return { low: Math.max(0, expected - wide), high: expected + wide }
}

export interface Setting {
  name: string
  type: 'text' | 'number' | 'flag' | 'choice' | 'list'
  choices?: readonly string[]
  min?: number
  max?: number
  /** Seldom changed: folded away. */
  rare?: boolean
}
const everywhere: Setting[] = [
  { name: 'encoding', type: 'choice', choices: ['', 'UTF-8', 'GB18030'] },
  { name: 'silent', type: 'number', min: 0.5, max: 1_000_000 },
  { name: 'failing', type: 'number', min: 0.001, max: 1 },
  { name: 'late', type: 'number', min: 0.5, max: 1_000_000, rare: true },
  { name: 'clock_minutes', type: 'number', min: 1, max: 1_000_000, rare: true },
  { name: 'ahead_days', type: 'number', min: 0, max: 36_500, rare: true },
  { name: 'offset_minutes', type: 'number', min: -840, max: 840, rare: true },
  { name: 'order', type: 'choice', choices: ['sent', 'arrival'], rare: true },
  { name: 'per_minute', type: 'number', min: 0, max: 10_000_000, rare: true },
  { name: 'message_bytes', type: 'number', min: 1000, max: 67_108_864, rare: true },
  { name: 'raw_days', type: 'number', min: 1, max: 36_500, rare: true },
  { name: 'keep_ids', type: 'flag', rare: true },
]
const acknowledge: Setting = { name: 'acknowledge', type: 'choice', choices: ['received', 'stored'] }
export const settings_of: Record<SourceKind, Setting[]> = {
  mllp: [{ name: 'senders', type: 'list' }, acknowledge, ...everywhere],
  http: [{ name: 'senders', type: 'list' }, acknowledge, ...everywhere],
  folder: [{ name: 'path', type: 'text' }, ...everywhere],
}

export const empty_draft = (): SourceDraft => ({ id: '', name: '', kind: 'mllp', format: 'hl7v2', organization: '', paused: false, settings: {} })
export const draft_of = (source: Source): SourceDraft => ({ id: source.id, name: source.name, kind: source.kind, format: source.format, organization: source.organization, paused: source.paused, settings: { ...source.settings } })

export type DraftComplaint = 'id' | 'id_taken' | 'name' | 'mapping' | 'number'
/** What the server would refuse is said before it is asked; ids go into ids of resources, so they are plain and never change. */
export function complaint_of(draft: SourceDraft, taken: readonly string[]): { field: string; complaint: DraftComplaint } | null {
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(draft.id)) return { field: 'id', complaint: 'id' }
  if (taken.includes(draft.id)) return { field: 'id', complaint: 'id_taken' }
  if (!draft.name.trim()) return { field: 'name', complaint: 'name' }
  const { kind, mapping } = format_of(draft.format)
  if ((kind === 'csv' || kind === 'xlsx') && !mapping) return { field: 'format', complaint: 'mapping' }
  for (const setting of settings_of[draft.kind]) {
    const value = draft.settings[setting.name]
    if (setting.type !== 'number' || value === undefined || value === '' || value === null) continue
    const number = Number(value)
    if (!Number.isFinite(number) || number < (setting.min ?? -Infinity) || number > (setting.max ?? Infinity)) return { field: setting.name, complaint: 'number' }
  }
  return null
}

/** What is sent: settings that this kind has, and those this page does not know; empty ones are the server's own. */
export function sent_of(draft: SourceDraft): SourceDraft {
  const known = new Map(settings_of[draft.kind].map((setting) => [setting.name, setting]))
  const foreign = new Set(Object.values(settings_of).flat().map((setting) => setting.name))
  const settings: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(draft.settings)) {
    const setting = known.get(name)
    if (!setting) {
      if (!foreign.has(name)) settings[name] = value
    } else if (setting.type === 'number') {
      if (value !== '' && value !== null && value !== undefined) settings[name] = Number(value)
    } else settings[name] = value
  }
  return { ...draft, name: draft.name.trim(), organization: draft.organization.trim(), settings }
}
