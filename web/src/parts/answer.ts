// SPDX-License-Identifier: Apache-2.0
// What a page asks for when its address changes: the newest question alone is answered, and leaving ends it.
import { computed, onBeforeUnmount, ref, watch, type ComputedRef, type Ref } from 'vue'
import { CallError, was_aborted } from '../client/call'

export interface Answer<Found> {
  found: Ref<Found | null>
  problem: Ref<unknown>
  /** There is no such thing (any longer). */
  gone: ComputedRef<boolean>
  /** Asks the same again; what is shown stays until the answer is there. */
  load: () => Promise<void>
}

/** `on`: what the question depends on. */
export function use_answer<Found>(on: () => string, ask: (signal: AbortSignal) => Promise<Found>): Answer<Found> {
  const found = ref(null) as Ref<Found | null>
  const problem = ref<unknown>(null)
  const gone = computed(() => problem.value instanceof CallError && problem.value.kind === 'missing')
  let running: AbortController | undefined
  async function load(): Promise<void> {
    running?.abort()
    const mine = (running = new AbortController())
    try {
      found.value = await ask(mine.signal)
      problem.value = null
    } catch (failure) {
      if (!was_aborted(failure)) problem.value = failure
    }
  }
  watch(on, () => {
    found.value = null
    void load()
  }, { immediate: true })
  onBeforeUnmount(() => running?.abort())
  return { found, problem, gone, load }
}
