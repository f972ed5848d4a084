// SPDX-License-Identifier: Apache-2.0
// A counter that lost its connection goes on with the keys and dead cards it fetched last; it remembers what it accepted, for as long as a code lives.
import { dead_cards, published_keys } from '../client/card'
import { dead_numbers, judge, type DeadCards, type Judged, type Published } from './token'

const keys_at = 'xinglin.card.keys', dead_at = 'xinglin.card.dead'
const accepted = new Map<string, number>()

function kept<T>(at: string): T | null {
  try {
    return JSON.parse(localStorage.getItem(at) ?? 'null') as T | null
  } catch {
    return null
  }
}

/** Called while there is a connection. */
export async function keep_keys(): Promise<void> {
  try {
    localStorage.setItem(keys_at, JSON.stringify(await published_keys<Published>()))
    localStorage.setItem(dead_at, JSON.stringify(await dead_cards<DeadCards>()))
  } catch {
    // What was kept before stays.
  }
}

/** Nothing when no keys were ever fetched here. */
export async function judge_offline(scanned: string, now_ms = Date.now()): Promise<Judged | null> {
  const keys = kept<Published>(keys_at)
  if (!keys || !globalThis.crypto?.subtle) return null
  const list = kept<DeadCards>(dead_at)
  const numbers = list ? await dead_numbers(list, keys) : null
  const judged = await judge(scanned, keys, Math.floor(now_ms / 1000), 15, list && numbers ? { numbers, expires: list.expires } : null)
  if (judged.verdict !== 'good' || judged.paper) return judged
  const mark = `${judged.number} ${judged.nonce}`
  const before = accepted.get(mark)
  if (before !== undefined) return { ...judged, verdict: 'replayed', seconds: Math.round((now_ms - before) / 1000) }
  accepted.set(mark, now_ms)
  return judged
}
