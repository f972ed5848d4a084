// SPDX-License-Identifier: Apache-2.0
// What the server at the other end serves: a page whose calls it does not know has no place in the menu.
import { ref, type Ref } from 'vue'
import { call } from '../client/call'

const paths: Ref<ReadonlySet<string> | null> = ref(null)
let asking: Promise<void> | undefined

/** Asks for the server's description of itself, once; when it can't be had, everything counts as served. */
export function ask_served(): Promise<void> {
  asking ??= call<{ paths?: Record<string, unknown> }>('/api/v1/openapi.json').then(
    (description) => void (paths.value = new Set(Object.keys(description.paths ?? {}))),
    () => void (asking = undefined),
  )
  return asking
}

/** Is this call in the description? True while nobody has asked. */
export const is_served = (path: string | undefined): boolean => !path || paths.value === null || paths.value.has(path)
