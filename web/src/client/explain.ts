// SPDX-License-Identifier: Apache-2.0
// How the server found what it found.
import { call } from './call'

export interface PlanStep {
  id: number
  parent: number | null
  kind: string
  /** The server's own words, English. */
  words: string
  parameter: string | null
  estimate: number | null
  touched: number
  kept: number
  /** With the steps below it, where it drives them. */
  took_ms: number
}
export interface Plan {
  total: number | null
  returned: number
  took_ms: number
  steps: PlanStep[]
}

export const explain = (type: string, query: string, signal?: AbortSignal): Promise<Plan> => call<Plan>('/api/v1/explain', { query: { type, query }, signal })
