// SPDX-License-Identifier: Apache-2.0
// The menu holds only what the server serves; what can't be asked counts as served.
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => vi.unstubAllGlobals())
const answer = (status: number, body: unknown): void => void vi.stubGlobal('fetch', vi.fn(async () => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })))

describe('what the server serves', () => {
  it('is everything until it has been asked, and after it could not be asked', async () => {
    vi.resetModules()
    const { ask_served, is_served } = await import('./served')
    expect(is_served('/api/v1/intake/sources')).toBe(true)
    answer(500, {})
    await ask_served()
    expect(is_served('/api/v1/intake/sources')).toBe(true)
    answer(200, { paths: { '/api/v1/types': {} } })
    await ask_served()
    expect([is_served('/api/v1/types'), is_served('/api/v1/intake/sources'), is_served(undefined)]).toEqual([true, false, true])
  })
})
