// SPDX-License-Identifier: Apache-2.0
// Latency on a scale of tens, space by type, what is behind: figures as the page draws them.
import type { Latency, ServerProcess, TypeStorage, ViewLag } from '../client/types'
import type { Status } from '../parts/status'

export interface Scale {
  /** Powers of ten, in ms. */
  marks: number[]
  /** 0 to 100 for a time. */
  at: (ms: number) => number
}
/** From the tens below the quickest to the tens above the slowest; at least three of them, so that a bar has room. */
export function scale_of(all: readonly Latency[]): Scale {
  const used = all.filter((one) => one.count > 0)
  const low = Math.floor(Math.log10(Math.max(0.01, Math.min(1, ...used.map((one) => one.p50_ms || 0.1)))))
  const high = Math.max(low + 3, Math.ceil(Math.log10(Math.max(1, ...used.map((one) => one.max_ms)))))
  const marks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))
  return { marks, at: (ms) => Math.max(0, Math.min(100, (100 * (Math.log10(Math.max(ms, 10 ** low)) - low)) / (high - low))) }
}

const order = ['read', 'search', 'write', 'other']
export const by_kind = (all: readonly Latency[]): Latency[] => [...all].sort((a, b) => (order.indexOf(a.kind) + 1 || 9) - (order.indexOf(b.kind) + 1 || 9))

export interface Share {
  name: string
  bytes: number
  share: number
  resources: number
  versions: number
}
/** The largest first, each with its length against the first; the rest as one. */
export function shares_of(storage: readonly TypeStorage[], most: number): { shares: Share[]; others: number; other_types: number; total: number } {
  const full = storage.filter((one) => one.bytes > 0 || one.resources > 0).sort((a, b) => b.bytes - a.bytes || (a.type < b.type ? -1 : 1))
  const first = Math.max(1, full[0]?.bytes ?? 1)
  const rest = full.slice(most)
  const sum = (all: readonly TypeStorage[]): number => all.reduce((bytes, one) => bytes + one.bytes, 0)
  return { shares: full.slice(0, most).map((one) => ({ name: one.type, bytes: one.bytes, share: one.bytes / first, resources: one.resources, versions: one.versions })), others: sum(rest), other_types: rest.length, total: sum(full) }
}

/** Views may lag a second without anyone needing to know; a minute is too much. */
export function lag_status(view: ViewLag): Status {
  if (view.lag_positions === 0 || view.lag_ms <= 1000) return 'good'
  return view.lag_ms > 60_000 ? 'warning' : 'notice'
}
export const most_behind = (views: readonly ViewLag[]): ViewLag[] => [...views].sort((a, b) => b.lag_ms - a.lag_ms || b.lag_positions - a.lag_positions || (a.name < b.name ? -1 : 1))

/** A process that hasn't been seen for half a minute is silent. */
export const is_silent = (one: ServerProcess, now: number): boolean => now - Date.parse(one.last_seen_at) > 30_000
