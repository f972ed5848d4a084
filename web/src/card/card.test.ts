// SPDX-License-Identifier: Apache-2.0
// Codes are drawn as others draw them, and verified as the server verifies them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { qr_matrix } from './qr'
import golden from './qr_golden.json'
import { dead_numbers, judge, looks_like_card, normal, type DeadCards, type Published } from './token'

const testdata = (name: string): string => readFileSync(join(process.cwd(), '../src/card/testdata', name), 'utf8')

describe('a QR code', () => {
  it('is what another program draws (npm qrcode 1.5.4, level M)', () => {
    for (const { text, rows } of golden) expect([text, qr_matrix(text).map((row) => row.map((on) => (on ? '1' : '0')).join(''))]).toEqual([text, rows])
  })
  it('of a card has 41 modules, version 6', () => {
    expect(qr_matrix(testdata('token-es256.txt').trim()).length).toBe(41)
  })
  it('refuses what it cannot hold', () => {
    expect(() => qr_matrix('\u674f')).toThrow('ASCII')
    expect(() => qr_matrix('a'.repeat(107))).toThrow('too long')
    expect(() => qr_matrix('A'.repeat(155))).toThrow('too long')
  })
})

describe('a token', () => {
  const keys = JSON.parse(testdata('card-keys.json')) as Published
  const list = JSON.parse(testdata('card-revoked.json')) as DeadCards
  const issued = 1_795_305_600
  const es256 = testdata('token-es256.txt')
  it('survives scanners and input methods', async () => {
    const wide = [...es256.trim()].map((one) => String.fromCharCode(one.charCodeAt(0) + 0xfee0)).join('')
    for (const scanned of [es256, es256.toLowerCase(), wide, ` ${es256.trim().replace(/(.{8})/g, '$1 ')}\r\n`]) {
      expect(normal(scanned)).toBe(es256.trim())
      expect(looks_like_card(scanned)).toBe(true)
    }
    expect(looks_like_card('6901234567892')).toBe(false)
  })
  it('is judged without a connection as the server judges it', async () => {
    const at = async (after: number, text = es256): Promise<string> => (await judge(text, keys, issued + after)).verdict
    expect(await at(0)).toBe('good')
    expect(await at(75)).toBe('good')
    expect(await at(76)).toBe('expired')
    expect(await at(-16)).toBe('not-yet')
    expect(await at(90_000)).toBe('keys-over')
    expect(await at(0, testdata('token-sm2.txt'))).toBe('online-only')
    expect(await at(0, es256.slice(0, 100))).toBe('malformed')
    const changed = es256.trim()
    expect(await at(0, changed.slice(0, 20) + (changed[20] === 'A' ? 'B' : 'A') + changed.slice(21))).not.toBe('good')
    expect((await judge(es256, keys, issued)).number).toBe('0J6HB-7H6NW')
  })
  it('of a dead printed card is refused by the signed list', async () => {
    const numbers = await dead_numbers(list, keys)
    expect([...(numbers ?? [])]).toEqual([1, 42])
    expect((await judge(testdata('token-paper.txt'), keys, issued, 15, { numbers: numbers!, expires: list.expires })).verdict).toBe('revoked')
    expect(await dead_numbers({ ...list, expires: list.expires + 1 }, keys)).toBeNull()
  })
})
