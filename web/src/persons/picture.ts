// SPDX-License-Identifier: Apache-2.0
// Where the records of a person stand in the picture of what holds them together. The same records and links always give the same picture.
//
// Springs along the links and a push between all (Fruchterman and Reingold, 1991), from a circle in order of source, a fixed
// number of steps; then fitted into the frame, and pushed apart until no two touch. So two people wrongly joined show as two knots and one thread.
import type { Evidence, PatientSide } from '../client/persons'

export const most_nodes = 60
export interface Node {
  id: string
  /** Number in the list of records, from 1; 0: a record of somebody else, shown because a link to it was cut. */
  number: number
  source: number
  x: number
  y: number
}
export interface Edge {
  a: Node
  b: Node
  holds: boolean
  by_hand: boolean
  /** 0 to 1, by the bits of its evidence. */
  strength: number
  evidence: Evidence
}
export interface SourceMark {
  name: string
  records: number
  /** Colour 1 to 6 and shape 0 to 3: no two of twenty-four sources look alike. */
  tone: number
  shape: number
}
export interface Picture {
  nodes: Node[]
  edges: Edge[]
  sources: SourceMark[]
  radius: number
  /** Records that are not in the picture. */
  left_out: number
}

const bits_of = (link: Evidence): number => link.weights.reduce((sum, one) => sum + one.weight, 0)
/** By hand is as strong as can be; else 30 bits are. */
const strength_of = (link: Evidence): number => (link.by_hand ? 1 : Math.max(0.05, Math.min(1, bits_of(link) / 30)))
const pair_of = (link: Evidence): string => (link.a < link.b ? `${link.a} ${link.b}` : `${link.b} ${link.a}`)

/** One link for each pair: what holds before what was cut, the stronger before the weaker. */
export function bundled(links: Evidence[]): Evidence[] {
  const best = new Map<string, Evidence>()
  for (const link of links) {
    const other = best.get(pair_of(link))
    const better = !other || (link.holds !== other.holds ? link.holds : strength_of(link) > strength_of(other))
    if (link.a !== link.b && better) best.set(pair_of(link), link)
  }
  return [...best.values()]
}

interface Point {
  x: number
  y: number
}

/** Springs and pushes on a plane without borders. */
function settle(points: Point[], springs: { a: number; b: number; pull: number }[]): void {
  const steps = 300
  for (let step = 0; step < steps; ++step) {
    const force = points.map((): Point => ({ x: 0, y: 0 }))
    const add = (at: number, x: number, y: number): void => {
      const one = force[at]
      if (one) (one.x += x), (one.y += y)
    }
    for (let i = 0; i < points.length; ++i) {
      const one = points[i] as Point
      add(i, -one.x * 0.02, -one.y * 0.02)
      for (let j = i + 1; j < points.length; ++j) {
        const other = points[j] as Point
        const x = one.x - other.x, y = one.y - other.y
        const square = Math.max(x * x + y * y, 0.01)
        add(i, x / square, y / square)
        add(j, -x / square, -y / square)
      }
    }
    for (const spring of springs) {
      const one = points[spring.a] as Point, other = points[spring.b] as Point
      const x = other.x - one.x, y = other.y - one.y
      const length = Math.sqrt(x * x + y * y) * spring.pull
      add(spring.a, x * length, y * length)
      add(spring.b, -x * length, -y * length)
    }
    const most = 0.4 * (1 - step / steps) + 0.01
    points.forEach((one, at) => {
      const { x, y } = force[at] as Point
      const length = Math.max(Math.sqrt(x * x + y * y), 1e-9)
      one.x += (x / length) * Math.min(length, most)
      one.y += (y / length) * Math.min(length, most)
    })
  }
}

/** Into the frame: turned so that the long side lies, as large as fits, but no thread longer than is pleasant. */
function fit(points: Point[], size: { width: number; height: number }, margin: number): void {
  const middle = { x: points.reduce((sum, one) => sum + one.x, 0) / points.length, y: points.reduce((sum, one) => sum + one.y, 0) / points.length }
  let xx = 0, yy = 0, xy = 0
  for (const one of points) {
    one.x -= middle.x
    one.y -= middle.y
    xx += one.x * one.x
    yy += one.y * one.y
    xy += one.x * one.y
  }
  const turn = -0.5 * Math.atan2(2 * xy, xx - yy)
  for (const one of points) {
    const { x, y } = one
    one.x = x * Math.cos(turn) - y * Math.sin(turn)
    one.y = x * Math.sin(turn) + y * Math.cos(turn)
  }
  const span = (of: (one: Point) => number): { low: number; length: number } => {
    const all = points.map(of)
    return { low: Math.min(...all), length: Math.max(Math.max(...all) - Math.min(...all), 1e-6) }
  }
  const wide = span((one) => one.x), tall = span((one) => one.y)
  const most = 130
  const across = Math.min((size.width - 2 * margin) / wide.length, most), down = Math.min((size.height - 2 * margin) / tall.length, most)
  const scale = { x: Math.min(across, down * 1.6), y: Math.min(down, across * 1.6) }
  for (const one of points) {
    one.x = size.width / 2 + (one.x - wide.low - wide.length / 2) * scale.x
    one.y = size.height / 2 + (one.y - tall.low - tall.length / 2) * scale.y
  }
}

/** Pushes apart what would touch, within the frame. */
function spread(points: Point[], size: { width: number; height: number }, margin: number, least: number): void {
  for (let round = 0; round < 200; ++round) {
    let moved = false
    for (let i = 0; i < points.length; ++i) {
      for (let j = i + 1; j < points.length; ++j) {
        const one = points[i] as Point, other = points[j] as Point
        let x = other.x - one.x, y = other.y - one.y
        let length = Math.sqrt(x * x + y * y)
        if (length >= least) continue
        if (length < 0.01) (x = Math.cos(i * 2.4 + j)), (y = Math.sin(i * 2.4 + j)), (length = 1)
        const push = (least - length) / 2 + 0.1
        one.x -= (x / length) * push
        one.y -= (y / length) * push
        other.x += (x / length) * push
        other.y += (y / length) * push
        moved = true
      }
    }
    for (const one of points) {
      one.x = Math.max(margin, Math.min(size.width - margin, one.x))
      one.y = Math.max(margin, Math.min(size.height - margin, one.y))
    }
    if (!moved) return
  }
}

const name_of = (record: PatientSide): string => record.source_name || record.source || ''
const rounded = (value: number): number => Math.round(value * 10) / 10

/** `records` in the order of their list; links to records that are not among them show those too, when they were cut. */
export function picture_of(records: PatientSide[], links: Evidence[], size: { width: number; height: number }): Picture {
  const known = new Map(records.map((one, at) => [one.id, at + 1]))
  const kept = bundled(links)
  const degree = new Map<string, number>()
  for (const link of kept) for (const id of [link.a, link.b]) degree.set(id, (degree.get(id) ?? 0) + 1)
  const by_degree = [...records].sort((a, b) => (degree.get(b.id) ?? 0) - (degree.get(a.id) ?? 0) || (known.get(a.id) ?? 0) - (known.get(b.id) ?? 0))
  const inside = new Set(by_degree.slice(0, most_nodes).map((one) => one.id))
  const strangers = [...new Set(kept.filter((one) => !one.holds && known.has(one.a) !== known.has(one.b)).map((one) => (known.has(one.a) ? one.b : one.a)))].slice(0, Math.max(0, most_nodes - inside.size))

  const names = [...new Set(records.map(name_of))]
  const sources = names.map((name, at): SourceMark => ({ name, records: records.filter((one) => name_of(one) === name).length, tone: (at % 6) + 1, shape: Math.floor(at / 6 + at) % 4 }))
  const shown = records.filter((one) => inside.has(one.id))
  const nodes: Node[] = [...shown.map((one): Node => ({ id: one.id, number: known.get(one.id) ?? 0, source: names.indexOf(name_of(one)), x: 0, y: 0 })), ...strangers.map((id): Node => ({ id, number: 0, source: -1, x: 0, y: 0 }))]
  const place = new Map(nodes.map((one, at) => [one.id, at]))
  const drawn = kept.filter((one) => place.has(one.a) && place.has(one.b))

  const round = [...nodes].sort((a, b) => a.source - b.source || a.number - b.number || (a.id < b.id ? -1 : 1))
  round.forEach((one, at) => {
    const turn = Math.PI + (at / round.length) * 2 * Math.PI
    one.x = Math.cos(turn) * Math.sqrt(round.length)
    one.y = Math.sin(turn) * Math.sqrt(round.length)
  })
  const radius = nodes.length <= 12 ? 14 : nodes.length <= 30 ? 12 : 10
  const margin = radius + 12
  if (nodes.length > 1) {
    settle(nodes, drawn.map((one) => ({ a: place.get(one.a) ?? 0, b: place.get(one.b) ?? 0, pull: one.holds ? 0.3 + 0.7 * strength_of(one) : 0.12 })))
    fit(nodes, size, margin)
    spread(nodes, size, margin, 2 * radius + 8)
  } else for (const one of nodes) (one.x = size.width / 2), (one.y = size.height / 2)
  for (const one of nodes) (one.x = rounded(one.x)), (one.y = rounded(one.y))
  const edges = drawn.map((one): Edge => ({ a: nodes[place.get(one.a) ?? 0] as Node, b: nodes[place.get(one.b) ?? 0] as Node, holds: one.holds, by_hand: one.by_hand, strength: strength_of(one), evidence: one }))
  return { nodes, edges, sources, radius, left_out: records.length - shown.length }
}

/** The outline of a mark of this shape, as an SVG path around its middle. */
export function outline(shape: number, x: number, y: number, radius: number): string {
  const path = (corners: [number, number][]): string => `M${corners.map(([dx, dy]) => `${rounded(x + dx * radius)} ${rounded(y + dy * radius)}`).join('L')}Z`
  if (shape === 1) return path([[-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]])
  if (shape === 2) return path([[0, -1.22], [1.22, 0], [0, 1.22], [-1.22, 0]])
  if (shape === 3) return path([[-0.55, -1], [0.55, -1], [1.1, 0], [0.55, 1], [-0.55, 1], [-1.1, 0]])
  return `M${rounded(x - radius)} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0Z`
}
