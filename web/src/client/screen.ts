// SPDX-License-Identifier: Apache-2.0
// What the wall display shows: no personal data, ever.
import { call } from './call'
import type { SourceState } from './intake'

export interface Screen {
  area: { code: string; name: string }
  figures: { key: string; value: number | null; delta: number | null }[]
  sources: { id: string; name: string; place: [number, number] | null; state: SourceState; last_minute: number; today: number }[]
  arrivals: { at: string; source: string; kind: string; count: number }[]
  hours: { at: string; received: number; expected: number | null }[]
}
export interface Area {
  code: string
  name: string
  centre: [number, number]
  rings: [number, number][][]
}
/** The sketch of a prefecture: its districts with shared borders. */
export interface AreaMap {
  name: string
  source: string
  areas: Area[]
}

export const screen = (signal?: AbortSignal): Promise<Screen> => call<Screen>('/api/v1/screen', { signal })

export const area_map = (signal?: AbortSignal): Promise<AreaMap> => call<AreaMap>('/api/v1/screen/map', { signal })
