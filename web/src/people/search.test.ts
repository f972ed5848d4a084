// SPDX-License-Identifier: Apache-2.0
// Searching while someone types: one question for a burst of keys, late answers dropped, failures shown and tried again.
import { createApp, defineComponent, h, nextTick, ref, type App } from 'vue'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { PeoplePage } from '../client/types'
import { use_people_search, type PeopleSearch } from './search'

const words = ref('')
let search: PeopleSearch
let app: App
const asked: string[] = []
let answers: Record<string, (page: PeoplePage | number) => void> = {}
const page = (name: string): PeoplePage => ({ total: 1, took_ms: 1, population: 9, next: null, people: [{ id: name, name, pinyin: '', sex: 'female', birth_date: '', deceased: false, address: '', identifier: '', phone: '' }] })
const settle = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0)
  await nextTick()
}

beforeEach(() => {
  vi.useFakeTimers()
  words.value = ''
  asked.length = 0
  answers = {}
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const q = new URL(url, 'http://x').searchParams.get('q') ?? ''
    asked.push(q)
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
      answers[q] = (value) => resolve(typeof value === 'number' ? new Response('{}', { status: value, headers: { 'Content-Type': 'application/json' } }) : new Response(JSON.stringify(value), { headers: { 'Content-Type': 'application/json' } }))
    })
  })
  app = createApp(
    defineComponent(() => {
      search = use_people_search(words, 8, 160)
      return () => h('div')
    }),
  )
  app.mount(document.createElement('div'))
})
afterEach(() => {
  app.unmount()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})
const type = async (text: string, pause_ms: number): Promise<void> => {
  words.value = text
  await nextTick()
  await vi.advanceTimersByTimeAsync(pause_ms)
}

it('asks once for a burst of keys', async () => {
  await type('w', 50)
  await type('wg', 50)
  await type('wgl', 200)
  expect(asked).toEqual(['wgl'])
  answers['wgl']?.(page('wang'))
  await settle()
  expect([search.page.value?.people[0]?.name, search.answered.value, search.busy.value]).toEqual(['wang', 'wgl', false])
})
it('drops the answer to a question that has changed', async () => {
  await type('a', 200)
  await type('ab', 200)
  answers['ab']?.(page('second'))
  await settle()
  answers['a']?.(page('first'))
  await settle()
  expect([search.page.value?.people[0]?.name, search.problem.value]).toEqual(['second', null])
})
it('shows a failure and tries again when asked', async () => {
  await type('a', 200)
  answers['a']?.(500)
  await settle()
  expect([search.page.value, search.problem.value instanceof Error]).toEqual([null, true])
  search.again()
  answers['a']?.(page('now'))
  await settle()
  expect([search.page.value?.people[0]?.name, search.problem.value]).toEqual(['now', null])
})
it('asks nothing for nothing', async () => {
  await type('a', 200)
  await type('  ', 200)
  expect([asked, search.page.value]).toEqual([['a'], null])
})
