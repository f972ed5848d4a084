// SPDX-License-Identifier: Apache-2.0
// Records carry the reader's name; registers and figures don't.
import { describe, expect, it } from 'vitest'
import { shows_persons } from './watermark'

describe('watermark', () => {
  it('stands on pages about persons', () => {
    for (const path of ['/people', '/people/7/results', '/people/7/print', '/persons/3']) expect(shows_persons(path), path).toBe(true)
  })
  it('stands on no other', () => {
    for (const path of ['/', '/registry', '/quality', '/peoples', '/login']) expect(shows_persons(path), path).toBe(false)
  })
})
