// SPDX-License-Identifier: Apache-2.0
// The shape of a catalogue: words, or folders of words.
export interface Words {
  [key: string]: string | Words
}
