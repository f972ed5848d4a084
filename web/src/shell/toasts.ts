// SPDX-License-Identifier: Apache-2.0
// Short notes at the bottom right; only for what has succeeded.
import { reactive } from 'vue'

export interface Toast {
  id: number
  text: string
  /** What may still be taken back, and the seconds left. */
  undo?: () => void
  seconds: number
}

export const toasts = reactive<Toast[]>([])
let next_id = 1

export function toast(text: string, undo?: () => void): void {
  const note: Toast = { id: next_id++, text, undo, seconds: undo ? 10 : 4 }
  toasts.push(note)
  if (toasts.length > 3) toasts.shift()
  const timer = setInterval(() => {
    const kept = toasts.find((other) => other.id === note.id)
    if (!kept || --kept.seconds <= 0) {
      clearInterval(timer)
      dismiss(note.id)
    }
  }, 1000)
}

export function dismiss(id: number): void {
  const at = toasts.findIndex((note) => note.id === id)
  if (at >= 0) toasts.splice(at, 1)
}
