// SPDX-License-Identifier: Apache-2.0
// The queue of the desk: what is asked stands in the address, pages are added below, and it is asked again while nobody types.
import { computed, onBeforeUnmount, ref, watch, type ComputedRef, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { was_aborted } from '../client/call'
import { queue as ask, type QueuePage } from '../client/persons'

export type Show = 'open' | 'later' | 'done'
export interface QueueFilter {
  show: Show
  kind: string
  reviewer: string
  age: string
}
type Tasks = QueuePage['tasks']
export interface Queue {
  filter: ComputedRef<QueueFilter>
  page: Ref<QueuePage | null>
  tasks: Ref<Tasks>
  problem: Ref<unknown>
  set: (change: Partial<QueueFilter>) => void
  load: () => Promise<void>
  more: () => Promise<void>
}
const one = (value: unknown): string => (typeof value === 'string' ? value : '')

export function use_queue(): Queue {
  const route = useRoute()
  const router = useRouter()
  const filter = computed((): QueueFilter => {
    const show = one(route.query['show'])
    return { show: show === 'later' || show === 'done' ? show : 'open', kind: one(route.query['kind']), reviewer: one(route.query['reviewer']), age: one(route.query['age']) }
  })
  const page = ref<QueuePage | null>(null)
  const tasks = ref<Tasks>([])
  const problem = ref<unknown>(null)
  let running: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const asked = (): Parameters<typeof ask>[0] => ({ state: filter.value.show, kind: filter.value.kind, reviewer: filter.value.reviewer, age: filter.value.age })

  async function load(): Promise<void> {
    running?.abort()
    clearTimeout(timer)
    const mine = (running = new AbortController())
    try {
      // What was paged through stays on the page.
      const found = await ask({ ...asked(), count: Math.min(200, Math.max(50, tasks.value.length)) }, mine.signal)
      page.value = found
      tasks.value = found.tasks
      problem.value = null
    } catch (failure) {
      if (was_aborted(failure)) return
      problem.value = failure
    }
    timer = setTimeout(() => void load(), document.hidden ? 120_000 : page.value?.state.filling ? 2_000 : 20_000)
  }
  async function more(): Promise<void> {
    const before = page.value?.next
    if (!before) return
    clearTimeout(timer)
    const mine = (running = new AbortController())
    try {
      const found = await ask({ ...asked(), before }, mine.signal)
      page.value = found
      tasks.value = [...tasks.value, ...found.tasks]
    } catch (failure) {
      if (!was_aborted(failure)) problem.value = failure
    }
    timer = setTimeout(() => void load(), 20_000)
  }
  watch(
    () => JSON.stringify(filter.value),
    () => {
      tasks.value = []
      page.value = null
      void load()
    },
    { immediate: true },
  )
  onBeforeUnmount(() => {
    running?.abort()
    clearTimeout(timer)
  })
  const set = (change: Partial<QueueFilter>): void => {
    const next = { ...filter.value, ...change }
    void router.replace({ query: { ...route.query, task: undefined, show: next.show === 'open' ? undefined : next.show, kind: next.kind || undefined, reviewer: next.reviewer || undefined, age: next.age || undefined } })
  }
  return { filter, page, tasks, problem, set, load, more }
}
