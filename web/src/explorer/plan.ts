// SPDX-License-Identifier: Apache-2.0
// A plan as a picture: what is read from the index at the left, the page that comes out at the right, and between them
// streams as wide as what was touched.
import type { PlanStep } from '../client/explain'
import { span_ms } from '../parts/format'

export const box = { width: 172, height: 74, gap_x: 40, gap_y: 14 }

export interface PlacedStep {
  step: PlanStep
  /** Steps before it on the way from the page. */
  depth: number
  x: number
  y: number
  /** Time of its own: without the steps below it. */
  own_ms: number
  children: number[]
}
export interface Stream {
  from: number
  to: number
  path: string
  width: number
}
export interface Picture {
  steps: PlacedStep[]
  streams: Stream[]
  width: number
  height: number
}

/** 2 to 22 points for 0 to the most; a tenth is still seen. */
export function stream_width(touched: number, most: number): number {
  if (touched <= 0 || most <= 0) return 2
  return 2 + (20 * Math.log10(1 + touched)) / Math.log10(1 + Math.max(most, touched))
}

/** Children first in the order of the server; a step that names no parent, or an unknown one, is an end of its own. */
export function picture_of(steps: readonly PlanStep[]): Picture {
  const known = new Map(steps.map((step) => [step.id, step]))
  const children = new Map<number, PlanStep[]>()
  const roots: PlanStep[] = []
  for (const step of steps) {
    const parent = step.parent !== null && step.parent !== step.id && known.has(step.parent) ? step.parent : null
    if (parent === null) roots.push(step)
    else children.set(parent, [...(children.get(parent) ?? []), step])
  }
  const placed = new Map<number, PlacedStep>()
  let next_y = 0
  const place = (step: PlanStep, depth: number): PlacedStep => {
    const own: PlacedStep = { step, depth, x: 0, y: 0, own_ms: 0, children: [] }
    placed.set(step.id, own) // before its children, so that a circle ends
    const below = (children.get(step.id) ?? []).filter((child) => !placed.has(child.id)).map((child) => place(child, depth + 1))
    own.children = below.map((child) => child.step.id)
    own.own_ms = Math.max(0, step.took_ms - below.reduce((sum, child) => sum + child.step.took_ms, 0))
    const first = below[0]
    const last = below.at(-1)
    if (first && last) own.y = (first.y + last.y) / 2
    else {
      own.y = next_y
      next_y += box.height + box.gap_y
    }
    return own
  }
  for (const root of roots) place(root, 0)
  for (const step of steps) if (!placed.has(step.id)) place(step, 0)
  const all = steps.flatMap((step) => placed.get(step.id) ?? [])
  const deepest = Math.max(0, ...all.map((one) => one.depth))
  for (const one of all) one.x = (deepest - one.depth) * (box.width + box.gap_x)
  const most = Math.max(0, ...steps.map((step) => step.touched))
  const streams = all.flatMap((parent) => streams_into(parent, placed, most))
  return { steps: all, streams, width: (deepest + 1) * box.width + deepest * box.gap_x, height: Math.max(box.height, next_y - box.gap_y) }
}

function streams_into(parent: PlacedStep, placed: Map<number, PlacedStep>, most: number): Stream[] {
  return parent.children.flatMap((id, at) => {
    const child = placed.get(id)
    if (!child) return []
    const from = { x: child.x + box.width, y: child.y + box.height / 2 }
    // Streams arrive one below the other, so that each can be followed.
    const to = { x: parent.x, y: parent.y + (box.height * (at + 1)) / (parent.children.length + 1) }
    const middle = (from.x + to.x) / 2
    return [{ from: id, to: parent.step.id, path: `M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`, width: stream_width(child.step.touched, most) }]
  })
}

/** 42 µs, 1.4 ms: most steps take less than a tenth of a millisecond. */
export const step_time = (ms: number): string => (ms >= 0 && ms < 0.095 ? `${Math.round(ms * 1000)} µs` : span_ms(ms))
