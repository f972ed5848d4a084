// SPDX-License-Identifier: Apache-2.0
// The channels, read again every few seconds while their page is open.
import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { CallError, was_aborted } from '../client/call'
import { channels as ask, type Channel } from '../client/channels'

export interface Channels {
  channels: Ref<Channel[] | null>
  problem: Ref<unknown>
  now: Ref<number>
  load: () => Promise<void>
  /** In the language of the page, where the channel has one. */
  name_of: (channel: Pick<Channel, 'name' | 'name_en'>) => string
}

export function use_channels(every: number): Channels {
  const { locale } = useI18n()
  const channels = ref<Channel[] | null>(null)
  const problem = ref<unknown>(null)
  const now = ref(Date.now())
  const leaving = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load(): Promise<void> {
    clearTimeout(timer)
    try {
      channels.value = await ask(leaving.signal)
      problem.value = null
    } catch (failure) {
      if (was_aborted(failure)) return
      problem.value = failure
      if (failure instanceof CallError && failure.kind === 'forbidden') return
    }
    now.value = Date.now()
    if (!leaving.signal.aborted) timer = setTimeout(() => void load(), document.hidden ? every * 6 : every)
  }
  onMounted(() => void load())
  onBeforeUnmount(() => {
    leaving.abort()
    clearTimeout(timer)
  })
  return { channels, problem, now, load, name_of: (channel) => (locale.value === 'en' && channel.name_en ? channel.name_en : channel.name) }
}
