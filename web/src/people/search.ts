// SPDX-License-Identifier: Apache-2.0
// A search that runs while someone types: waits a moment, drops the answers that are no longer wanted.
import { onBeforeUnmount, ref, watch, type Ref } from 'vue'
import { was_aborted } from '../client/call'
import { find_people } from '../client/people'
import type { PeoplePage } from '../client/types'

export interface PeopleSearch {
  page: Ref<PeoplePage | null>
  /** The words that `page` answers. */
  answered: Ref<string>
  problem: Ref<unknown>
  busy: Ref<boolean>
  again: () => void
}

export function use_people_search(words: Ref<string>, count: number, wait_ms = 160): PeopleSearch {
  const page = ref<PeoplePage | null>(null)
  const answered = ref('')
  const problem = ref<unknown>(null)
  const busy = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: AbortController | undefined

  async function run(): Promise<void> {
    const q = words.value.trim()
    running?.abort()
    if (!q) {
      page.value = null
      problem.value = null
      busy.value = false
      return
    }
    const mine = (running = new AbortController())
    busy.value = true
    try {
      page.value = await find_people({ q, count }, mine.signal)
      answered.value = q
      problem.value = null
    } catch (failure) {
      if (mine.signal.aborted || was_aborted(failure)) return
      page.value = null
      problem.value = failure
    }
    if (mine === running) busy.value = false
  }

  watch(words, () => {
    clearTimeout(timer)
    timer = setTimeout(() => void run(), words.value.trim() ? wait_ms : 0)
  }, { immediate: true })
  onBeforeUnmount(() => {
    clearTimeout(timer)
    running?.abort()
  })
  return { page, answered, problem, busy, again: () => void run() }
}
