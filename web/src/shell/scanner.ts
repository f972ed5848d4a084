// SPDX-License-Identifier: Apache-2.0
// Hand scanners type: a card scanned anywhere opens the page that judges it. They type fast, and end with Enter; caps lock, an input method or another
// layout change the letters, so the keys' places are read beside what they wrote.
import { onBeforeUnmount, onMounted, ref } from 'vue'

/** What was scanned last; the page that judges it takes it away. */
export const scanned = ref('')

const pause_ms = 100
const start = 'XH1'
const plain = (text: string): string => text.normalize('NFKC').toUpperCase()

/** The letter of a key by its place on an American keyboard, as scanners send it. */
function by_place(code: string): string {
  const found = /^(?:Key([A-Z])|(?:Digit|Numpad)(\d))$/.exec(code)
  return found?.[1] ?? found?.[2] ?? ''
}

export interface KeyTyped {
  key: string
  code: string
  at_ms: number
}

/** Follows keys; says when a card is whole, and when the keys belong to one and to nobody else. */
export class Wedge {
  private typed = ''
  private placed = ''
  private last_ms = -Infinity

  feed({ key, code, at_ms }: KeyTyped): { card: string; swallow: boolean; leaked: number } {
    if (at_ms - this.last_ms > pause_ms) this.typed = this.placed = ''
    this.last_ms = at_ms
    if (key === 'Enter' || code === 'Enter' || code === 'NumpadEnter' || key === 'Tab') {
      const card = [this.placed, this.typed].find((one) => plain(one).startsWith(start) && one.length >= 100) ?? ''
      this.typed = this.placed = ''
      return { card, swallow: card !== '', leaked: 0 }
    }
    if (key.length === 1) this.typed += key
    this.placed += by_place(code)
    const is_card = [this.placed, this.typed].some((one) => plain(one).startsWith(start))
    const length = Math.max(this.typed.length, this.placed.length)
    return { card: '', swallow: is_card, leaked: is_card && length === start.length ? start.length - 1 : 0 }
  }
}

/** The first two letters went into a field before anybody could know. */
function take_back(target: EventTarget | null, count: number): void {
  if (!(target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) || target.selectionStart === null) return
  const at = target.selectionStart
  target.value = target.value.slice(0, Math.max(0, at - count)) + target.value.slice(at)
  target.dispatchEvent(new Event('input', { bubbles: true }))
}

export function use_scanner(listens: () => boolean, open: () => void): void {
  const wedge = new Wedge()
  const on_key = (event: KeyboardEvent): void => {
    if (!listens() || event.ctrlKey || event.metaKey || event.altKey) return
    const heard = wedge.feed({ key: event.key, code: event.code, at_ms: event.timeStamp })
    if (heard.leaked > 0) take_back(event.target, heard.leaked)
    if (heard.swallow) {
      event.preventDefault()
      event.stopPropagation()
    }
    if (heard.card) {
      scanned.value = heard.card
      open()
    }
  }
  onMounted(() => window.addEventListener('keydown', on_key, true))
  onBeforeUnmount(() => window.removeEventListener('keydown', on_key, true))
}
