// SPDX-License-Identifier: Apache-2.0
// How the house is doing: sizes, rates, checks, counts by type.
import { call } from './call'
import type { SystemState, TypeCount } from './types'

export const system_state = (signal?: AbortSignal): Promise<SystemState> => call<SystemState>('/api/v1/system', { signal })

export const type_counts = (signal?: AbortSignal): Promise<{ types: TypeCount[]; total: number }> => call('/api/v1/types', { signal })

/** Begins a backup; it stands in the list when it is done. */
export const begin_backup = (kind: 'full' | 'differential'): Promise<unknown> => call('/api/v1/backups', { method: 'POST', json: { kind } })

/** Server-sent events; returns the way to stop listening. */
export function listen(on: Record<string, (data: string) => void>): () => void {
  const source = new EventSource('/api/v1/events')
  for (const [name, act] of Object.entries(on)) source.addEventListener(name, (event) => act((event as MessageEvent<string>).data))
  return () => source.close()
}
