// SPDX-License-Identifier: Apache-2.0
// Opens and closes the search that is there on every page.
import { ref } from 'vue'

export const finder_open = ref(false)
/** What the box holds when it opens. */
export const finder_start = ref('')

export function open_finder(start = ''): void {
  finder_start.value = start
  finder_open.value = true
}
