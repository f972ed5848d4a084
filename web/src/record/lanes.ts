// SPDX-License-Identifier: Apache-2.0
// The picture of a life by institution: one lane each, shape = kind of event, a bar = a stay. Positions only; drawing is lanes.vue.
import type { Happening, Life, Place } from './life'
import type { Concept } from './values'

export type MarkKind = 'visit' | 'follow_up' | 'check_up' | 'results' | 'vaccine' | 'stay'

export interface Mark {
  key: string
  kind: MarkKind
  at: number
  until: number
  what: Concept
  place: Place
  /** Keys of the happenings behind the mark. */
  count: number
  contact: string
}

export interface Lane {
  place: Place
  marks: Mark[]
}

/** Kinds in the order of the legend. */
export const mark_kinds: readonly MarkKind[] = ['follow_up', 'visit', 'results', 'vaccine', 'check_up', 'stay']

const is_result = (one: Happening): boolean =>
  one.kind === 'report' || one.kind === 'imaging' || (one.kind === 'observation' && one.resource.resourceType === 'Observation' && (one.resource.category ?? []).some((category) => category.coding?.some((coding) => coding.code === 'laboratory' || coding.code === 'imaging')))

/** The events of a life, each once: results of one day in one place are one mark, so are vaccinations. */
export function marks_of(life: Life): Mark[] {
  const marks: Mark[] = []
  for (const contact of life.contacts) {
    if (contact.at === null) continue
    const stay = contact.kind === 'inpatient' && contact.nights >= 1
    const kind: MarkKind = stay ? 'stay' : contact.kind === 'follow_up' || contact.kind === 'home' ? 'follow_up' : contact.kind === 'check_up' ? 'check_up' : 'visit'
    marks.push({ key: contact.key, kind, at: contact.at, until: stay ? (contact.until ?? contact.at) : contact.at, what: contact.reason.text ? contact.reason : contact.what, place: contact.place, count: contact.happened.length, contact: contact.key })
  }
  const gathered = new Map<string, Mark>()
  for (const one of life.happened) {
    const kind: MarkKind | null = one.kind === 'immunization' ? 'vaccine' : is_result(one) ? 'results' : null
    if (kind === null || one.at === null) continue
    const key = `${kind} ${one.place.key} ${Math.floor(one.at / 86_400_000)}`
    const held = gathered.get(key)
    if (held) {
      held.count += 1
      if (one.kind === 'report') held.what = one.what
    } else gathered.set(key, { key: one.key, kind, at: one.at, until: one.at, what: one.what, place: one.place, count: 1, contact: one.contact })
  }
  return [...marks, ...gathered.values()].sort((a, b) => a.at - b.at)
}

/** How many marks to the left of this one share its day and contact: where rows can't set them apart, they stand side by side. */
export function offsets_of(marks: readonly Mark[]): Map<string, number> {
  const taken = new Map<string, number>()
  const offsets = new Map<string, number>()
  const rank = (mark: Mark): number => (mark.kind === 'results' ? 1 : mark.kind === 'vaccine' ? 2 : 0)
  for (const mark of [...marks].sort((a, b) => rank(a) - rank(b))) {
    const slot = `${mark.place.name || mark.place.key} ${Math.floor(mark.at / 86_400_000)}`
    const before = taken.get(slot) ?? 0
    offsets.set(mark.key, before)
    taken.set(slot, before + 1)
  }
  return offsets
}

/** Lanes with most events first; places beyond `most` share the last lane, as do events without a place. */
export function lanes_of(marks: readonly Mark[], most = 6): Lane[] {
  const lanes = new Map<string, Lane>()
  for (const mark of marks) {
    // A place known by name here and by reference there is one place.
    const key = mark.place.name || mark.place.key
    const lane = lanes.get(key)
    if (lane) lane.marks.push(mark)
    else lanes.set(key, { place: mark.place, marks: [mark] })
  }
  const sorted = [...lanes.values()].sort((a, b) => (a.place.key === '' ? 1 : 0) - (b.place.key === '' ? 1 : 0) || b.marks.length - a.marks.length)
  if (sorted.length <= most) return sorted
  const kept = sorted.slice(0, most - 1)
  const rest = sorted.slice(most - 1).flatMap((lane) => lane.marks)
  return [...kept, { place: { key: 'rest', name: '' }, marks: rest.sort((a, b) => a.at - b.at) }]
}

export interface Span {
  from: number
  to: number
}

export type Reach = '12' | '24' | 'life'
const month_ms = 30.4375 * 86_400_000

/** The window of so many months. It ends today, or, when the record stopped long ago, with its last event. */
export function span_of(marks: readonly Mark[], reach: Reach, now: number): Span {
  const first = marks[0]?.at ?? now - 12 * month_ms
  const last = marks.reduce((latest, mark) => Math.max(latest, mark.until), first)
  if (reach === 'life') {
    const edge = Math.max((now - first) * 0.01, 5 * 86_400_000)
    return { from: first - edge, to: Math.max(now, last) + edge }
  }
  const months = Number(reach)
  const end = last < now - months * month_ms ? last + 0.02 * months * month_ms : Math.max(now, Math.min(last, now + month_ms))
  return { from: end - months * month_ms, to: end + 0.015 * months * month_ms }
}

/** Whether the window of so many months still reaches today. */
export const reaches_today = (span: Span, now: number): boolean => span.from <= now && now <= span.to

export interface Tick {
  at: number
  /** 2026 or 2026-01 at the start of a year, 03 within it. */
  text: string
  strong: boolean
}

/** Month or year ticks, as many as fit with `apart` pixels between labels. */
export function ticks_of(span: Span, width: number, apart = 62): Tick[] {
  const months = (span.to - span.from) / month_ms
  const room = Math.max(2, Math.floor(width / apart))
  const step = [1, 2, 3, 6, 12, 24, 60, 120, 240].find((one) => months / one <= room) ?? 480
  const ticks: Tick[] = []
  const begin = new Date(span.from)
  let index = begin.getFullYear() * 12 + begin.getMonth()
  index = Math.ceil(index / step) * step
  for (; ; index += step) {
    const year = Math.floor(index / 12)
    const month = index % 12
    const at = new Date(year, month, 1).getTime()
    if (at > span.to) break
    if (at < span.from) continue
    ticks.push({ at, text: step >= 12 ? String(year) : month === 0 ? `${year}-01` : String(month + 1).padStart(2, '0'), strong: month === 0 })
  }
  return ticks
}

/** The marks worth drawing: of one kind, none closer than `apart` pixels to the one before, so that daily readings over decades stay light. */
export function drawn_marks(marks: readonly Mark[], x: (at: number) => number, span: Span, apart = 2): Mark[] {
  const last = new Map<MarkKind, number>()
  return marks.filter((mark) => {
    if (mark.until < span.from || mark.at > span.to) return false
    const at = x(mark.at)
    if (mark.kind !== 'stay' && at - (last.get(mark.kind) ?? -Infinity) < apart) return false
    last.set(mark.kind, at)
    return true
  })
}

/** Closest mark of a lane to a place on the axis, within a reach; ties go to the later one. */
export function nearest(marks: readonly Mark[], at: number, within: number): Mark | null {
  let best: Mark | null = null
  let distance = within
  for (const mark of marks) {
    const away = at < mark.at ? mark.at - at : at > mark.until ? at - mark.until : 0
    if (away <= distance) {
      best = mark
      distance = away
    }
  }
  return best
}
