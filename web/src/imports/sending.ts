// SPDX-License-Identifier: Apache-2.0
// Files on their way to the server, one after the other; kept while the page is left, so that an upload goes on.
import { markRaw, reactive } from 'vue'
import { CallError, was_aborted } from '../client/call'
import { send_import } from '../client/imports'
import { complaint_of_file, type FileComplaint } from './jobs'

export interface Sending {
  key: number
  file: File
  check: 'structure' | 'profiles'
  sent: number
  state: 'waiting' | 'sending' | 'refused' | 'failed'
  complaint: FileComplaint | null
  problem: unknown
  stop: AbortController
}

export const sending = reactive<Sending[]>([])
let next_key = 1
let working = false
let on_arrived: () => void = () => {}

/** Called when a file has arrived and its import is on the list. */
export function when_arrived(act: () => void): void {
  on_arrived = act
}

export function add_files(files: Iterable<File>, check: Sending['check']): void {
  for (const file of files) {
    const complaint = complaint_of_file(file)
    sending.push({ key: next_key++, file: markRaw(file), check, sent: 0, state: complaint ? 'refused' : 'waiting', complaint, problem: null, stop: markRaw(new AbortController()) })
  }
  void work()
}

export function drop(key: number): void {
  const at = sending.findIndex((one) => one.key === key)
  sending[at]?.stop.abort()
  if (at >= 0) sending.splice(at, 1)
}

export function send_again(key: number): void {
  const one = sending.find((other) => other.key === key)
  if (!one) return
  Object.assign(one, { state: 'waiting', problem: null, sent: 0, stop: markRaw(new AbortController()) })
  void work()
}

async function work(): Promise<void> {
  if (working) return
  working = true
  try {
    for (;;) {
      const one = sending.find((other) => other.state === 'waiting')
      if (!one) return
      await send(one)
    }
  } finally {
    working = false
  }
}

async function send(one: Sending): Promise<void> {
  one.state = 'sending'
  try {
    await send_import(one.file, one.check, (sent) => (one.sent = sent), one.stop.signal)
    const at = sending.findIndex((other) => other.key === one.key)
    if (at >= 0) sending.splice(at, 1)
    on_arrived()
  } catch (problem) {
    if (was_aborted(problem)) return
    one.state = 'failed'
    one.problem = problem instanceof CallError ? problem : new CallError(0, 'offline', '', '')
  }
}
