// SPDX-License-Identifier: Apache-2.0
// The sources, read again every few seconds while their page is open, and their names for pages that only know ids.
import { computed, onBeforeUnmount, onMounted, ref, type ComputedRef, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { CallError, was_aborted } from '../client/call'
import { sources as ask, type Source } from '../client/intake'

export interface Sources {
  sources: Ref<Source[] | null>
  problem: Ref<unknown>
  read_at: Ref<Date | null>
  now: Ref<number>
  load: () => Promise<void>
  /** Its name; its id while nobody knows, or when it is gone. */
  name_of: ComputedRef<(id: string) => string>
}

/** `every`: milliseconds, 0 for once. */
export function use_sources(every: number): Sources {
  const { t } = useI18n()
  const sources = ref<Source[] | null>(null)
  const problem = ref<unknown>(null)
  const read_at = ref<Date | null>(null)
  const now = ref(Date.now())
  const leaving = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load(): Promise<void> {
    clearTimeout(timer)
    try {
      // The one that keeps what nobody is known to send is named by us, unless somebody has named it.
      sources.value = (await ask(leaving.signal)).map((one) => (one.id === 'unknown' && one.name === 'Unknown senders' ? { ...one, name: t('intake.unknown_senders') } : one))
      read_at.value = new Date()
      problem.value = null
    } catch (failure) {
      if (was_aborted(failure)) return
      problem.value = failure
      if (failure instanceof CallError && failure.kind === 'forbidden') return
    }
    now.value = Date.now()
    if (every > 0 && !leaving.signal.aborted) timer = setTimeout(() => void load(), document.hidden ? every * 6 : every)
  }
  onMounted(() => void load())
  onBeforeUnmount(() => {
    leaving.abort()
    clearTimeout(timer)
  })
  const names = computed(() => new Map((sources.value ?? []).map((source) => [source.id, source.name])))
  return { sources, problem, read_at, now, load, name_of: computed(() => (id: string) => names.value.get(id) || id) }
}
