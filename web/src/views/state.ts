// SPDX-License-Identifier: Apache-2.0
// Views as the list reasons about them: which are in trouble, which lag, which to show.
import type { ViewState } from '../client/views'
import { span_ms } from '../parts/format'
import type { Status } from '../parts/status'

/** A view may lag this long without anyone needing to know. */
export const calm_ms = 1000

export function state_of(view: ViewState): { status: Status; word: 'ready' | 'behind' | 'building' | 'failed' | 'on_demand' } {
  if (view.state === 'failed') return { status: 'critical', word: 'failed' }
  if (view.state === 'building') return { status: 'info', word: 'building' }
  if (!view.materialized) return { status: 'quiet', word: 'on_demand' }
  return view.lag_positions > 0 && view.lag_ms > calm_ms ? { status: 'notice', word: 'behind' } : { status: 'good', word: 'ready' }
}

/** How far behind the record; null when there is nothing to say. */
export function lag_words(view: ViewState): { key: 'behind' | 'positions'; positions: number; time: string } | null {
  if (!view.materialized || view.lag_positions <= 0) return null
  return { key: view.lag_ms > 0 ? 'behind' : 'positions', positions: view.lag_positions, time: span_ms(view.lag_ms) }
}

export function worst_first(views: readonly ViewState[]): ViewState[] {
  const rank = { failed: 0, building: 1, behind: 2, ready: 3, on_demand: 4 }
  return [...views].sort((a, b) => rank[state_of(a).word] - rank[state_of(b).word] || (a.name < b.name ? -1 : 1))
}

export const shelves = ['all', 'saved', 'trouble'] as const
export type Shelf = (typeof shelves)[number]
export const as_shelf = (value: unknown): Shelf => shelves.find((one) => one === value) ?? 'all'
export const on_shelf = (view: ViewState, shelf: Shelf): boolean => (shelf === 'saved' ? view.origin === 'saved' : shelf === 'trouble' ? ['failed', 'behind'].includes(state_of(view).word) : true)
