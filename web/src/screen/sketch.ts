// SPDX-License-Identifier: Apache-2.0
// The map of the wall: an area of the earth laid into a rectangle, its places, and labels that don't cover each other.
import type { Area, Screen } from '../client/screen'

export interface Frame {
  width: number
  height: number
}
export type Project = (point: readonly [number, number]) => [number, number]

interface Box {
  west: number
  east: number
  south: number
  north: number
}
export function box_of(areas: readonly Area[]): Box | null {
  const box = { west: Infinity, east: -Infinity, south: Infinity, north: -Infinity }
  for (const area of areas)
    for (const ring of area.rings)
      for (const [x, y] of ring) {
        box.west = Math.min(box.west, x)
        box.east = Math.max(box.east, x)
        box.south = Math.min(box.south, y)
        box.north = Math.max(box.north, y)
      }
  return Number.isFinite(box.west) ? box : null
}

/** The areas that the wall is about: the one of its code, or all of them when the code is the prefecture's. */
export function focus_of(areas: readonly Area[], code: string): Area[] {
  const own = areas.filter((area) => area.code === code.slice(0, 6))
  return own.length ? own : [...areas]
}

/** Degrees of longitude are shorter than those of latitude; on a map this small that is all there is to it. */
export function project_into(focus: readonly Area[], frame: Frame, margin: number): Project {
  const box = box_of(focus) ?? { west: 0, east: 1, south: 0, north: 1 }
  const shrink = Math.cos((((box.south + box.north) / 2) * Math.PI) / 180)
  const wide = Math.max(1e-9, (box.east - box.west) * shrink)
  const high = Math.max(1e-9, box.north - box.south)
  const scale = Math.min((frame.width - 2 * margin) / wide, (frame.height - 2 * margin) / high)
  const left = (frame.width - wide * scale) / 2
  const top = (frame.height - high * scale) / 2
  return ([x, y]) => [left + (x - box.west) * shrink * scale, top + (box.north - y) * scale]
}

export const path_of = (area: Area, project: Project): string =>
  area.rings.map((ring) => `M${ring.map((point) => project(point).map((value) => value.toFixed(1)).join(' ')).join('L')}Z`).join('')

export interface Mark {
  id: string
  name: string
  x: number
  y: number
  radius: number
  state: Screen['sources'][number]['state']
  /** What came in the last minute is a ring around it. */
  ring: number
}
function is_inside(area: Area, [x, y]: readonly [number, number]): boolean {
  let inside = false
  for (const ring of area.rings)
    for (let at = 1; at < ring.length; at++) {
      const [ax, ay] = ring[at - 1] ?? [0, 0]
      const [bx, by] = ring[at] ?? [0, 0]
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside
    }
  return inside
}

/** Sources without a place get one inside the district, spread as the seeds of a sunflower; the same order gives the same places. */
export function with_places(sources: Screen['sources'], focus: readonly Area[]): { sources: Screen['sources']; placed: number } {
  const box = box_of(focus)
  if (!box) return { sources, placed: 0 }
  const middle: [number, number] = focus.length === 1 ? (focus[0]?.centre ?? [0, 0]) : [(box.west + box.east) / 2, (box.south + box.north) / 2]
  const wide = Math.max(box.east - box.west, box.north - box.south) / 2
  const lacking = sources.filter((source) => !source.place).length
  let seed = 0
  const next = (): [number, number] => {
    for (let tries = 0; tries < 4000; tries++) {
      seed += 1
      const reach = wide * 1.2 * Math.sqrt((seed % (4 * lacking + 40)) / (4 * lacking + 40))
      const turn = seed * 2.399963
      const point: [number, number] = [middle[0] + reach * 1.25 * Math.cos(turn), middle[1] + reach * Math.sin(turn)]
      if (focus.some((area) => is_inside(area, point))) return point
    }
    return middle
  }
  return { sources: sources.map((source) => (source.place ? source : { ...source, place: next() })), placed: lacking }
}

/** Marks within the frame; those that need someone are drawn last, above the others. */
export function marks_of(sources: Screen['sources'], project: Project, frame: Frame): Mark[] {
  const most = Math.max(1, ...sources.map((source) => source.today))
  const weight = (state: Mark['state']): number => ({ ok: 0, paused: 0, late: 1, failing: 2, silent: 3 })[state]
  return sources
    .flatMap((source): Mark[] => {
      if (!source.place) return []
      const [x, y] = project(source.place)
      if (x < 0 || y < 0 || x > frame.width || y > frame.height) return []
      const radius = 4 + 12 * Math.sqrt(source.today / most)
      return [{ id: source.id, name: source.name, x, y, radius, state: source.state, ring: source.last_minute > 0 ? radius + 4 + Math.min(10, 3 * Math.log2(1 + source.last_minute)) : 0 }]
    })
    .sort((a, b) => weight(a.state) - weight(b.state) || a.radius - b.radius)
}

export interface Label {
  id: string
  text: string
  x: number
  y: number
  side: 'start' | 'end'
}
/** Names beside their marks, the most needed first; a name that would cover another or run out is left out. */
export function labels_of(marks: readonly Mark[], frame: Frame, size: number, most: number): Label[] {
  const taken: { left: number; top: number; right: number; bottom: number }[] = []
  const labels: Label[] = []
  for (const mark of [...marks].reverse().sort((a, b) => Number(b.state === 'silent') - Number(a.state === 'silent') || Number(b.state === 'failing') - Number(a.state === 'failing') || b.radius - a.radius)) {
    if (labels.length >= most) break
    const wide = [...mark.name].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 0x2e7f ? size : size * 0.56), 0)
    for (const side of ['start', 'end'] as const) {
      const left = side === 'start' ? mark.x + mark.radius + 6 : mark.x - mark.radius - 6 - wide
      const box = { left, right: left + wide, top: mark.y - size * 0.65, bottom: mark.y + size * 0.65 }
      if (box.left < 4 || box.right > frame.width - 4 || box.top < 4 || box.bottom > frame.height - 4) continue
      if (taken.some((other) => other.left < box.right && box.left < other.right && other.top < box.bottom && box.top < other.bottom)) continue
      taken.push(box)
      labels.push({ id: mark.id, text: mark.name, x: side === 'start' ? left : left + wide, y: mark.y + size * 0.35, side })
      break
    }
  }
  return labels
}

/** The day so far and what was expected of it, as a picture. */
export function day_of(hours: Screen['hours'], frame: Frame): { bars: { x: number; y: number; width: number; height: number; hour: number }[]; expected: string; most: number; step: number } {
  const most = nice(Math.max(1, ...hours.map((hour) => Math.max(hour.received, hour.expected ?? 0))))
  const step = frame.width / Math.max(1, hours.length)
  const bars = hours.map((hour, at) => {
    const height = (hour.received / most) * frame.height
    return { x: at * step + step * 0.14, y: frame.height - height, width: step * 0.72, height, hour: new Date(hour.at).getHours() }
  })
  const points = hours.flatMap((hour, at) => (hour.expected === null ? [] : [`${((at + 0.5) * step).toFixed(1)},${(frame.height - (hour.expected / most) * frame.height).toFixed(1)}`]))
  return { bars, expected: points.length > 1 ? points.join(' ') : '', most, step }
}

/** The next round number: an axis ends on one. */
export function nice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)))
  return ([1, 2, 4, 5, 8, 10].find((step) => step * power >= value) ?? 10) * power
}
