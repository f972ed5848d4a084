// SPDX-License-Identifier: Apache-2.0
// A card's code as the pages need it: cleaned of what scanners and input methods do, and verified without a connection (ES256; decision 0038).

export const mark = 'XH1'
export const token_characters = 144
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Full-width and small letters, blanks, hyphens; O is 0, I and L are 1. */
export const normal = (scanned: string): string =>
  scanned.normalize('NFKC').toUpperCase().replace(/[\s\-\uFEFF]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1')
export const looks_like_card = (scanned: string): boolean => normal(scanned).startsWith(mark) && normal(scanned).length >= 100

export interface Published {
  issued: number
  expires: number
  keys: { kty: string; crv: string; alg: string; kid: string; x: string; y: string; nbf: number; signs_until: number; exp: number }[]
}
export interface DeadCards {
  issued: number
  expires: number
  cards: string
  alg: string
  kid: string
  signature: string
}
export type Verdict = 'good' | 'malformed' | 'keys-over' | 'unknown-key' | 'signature' | 'key-over' | 'list-over' | 'revoked' | 'not-yet' | 'expired' | 'replayed' | 'online-only'
export interface Judged {
  verdict: Verdict
  number: string
  paper: boolean
  nonce: number
  seconds: number
}

function bytes_of(text: string): Uint8Array<ArrayBuffer> | null {
  const out: number[] = []
  let held = 0, bits = 0
  for (const letter of text) {
    const value = alphabet.indexOf(letter)
    if (value < 0) return null
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out.push((held >> bits) & 255)
    }
  }
  return (held & ((1 << bits) - 1)) === 0 ? Uint8Array.from(out) : null
}

const of_base64_url = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0))
const half_order = [0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8]
function has_low_s(signature: Uint8Array): boolean {
  for (let i = 0; i < 32; i++) if (signature[32 + i] !== half_order[i]) return signature[32 + i]! < half_order[i]!
  return true
}

async function fits(key: Published['keys'][number], signed: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const made = await crypto.subtle.importKey('jwk', { kty: 'EC', crv: 'P-256', x: key.x, y: key.y }, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify'])
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, made, signature, signed)
}

function number_text(number: number): string {
  let out = ''
  for (let i = 0, rest = number; i < 10; i++, rest = Math.floor(rest / 32)) out = alphabet[rest % 32]! + out
  return `${out.slice(0, 5)}-${out.slice(5)}`
}

/** Numbers of the list; nothing when nobody of the key set has signed it. */
export async function dead_numbers(list: DeadCards, keys: Published): Promise<Set<number> | null> {
  const key = keys.keys.find((one) => one.kid === list.kid && one.alg === list.alg)
  if (!key || key.alg !== 'ES256') return null
  const packed = of_base64_url(list.cards)
  const head = new TextEncoder().encode('XH1-revoked')
  const signed = new Uint8Array(head.length + 16 + packed.length)
  signed.set(head)
  const view = new DataView(signed.buffer)
  view.setBigUint64(head.length, BigInt(list.issued))
  view.setBigUint64(head.length + 8, BigInt(list.expires))
  signed.set(packed, head.length + 16)
  if (!(await fits(key, signed, of_base64_url(list.signature)))) return null
  const out = new Set<number>()
  let at = 0, delta = 0, scale = 1
  for (const byte of packed) {
    delta += (byte & 127) * scale
    scale *= 128
    if (byte & 128) continue
    out.add((at += delta))
    delta = 0
    scale = 1
  }
  return out
}

/** As the server judges, save what only it knows: replays elsewhere. SM2 is not in browsers: `online-only`. */
export async function judge(scanned: string, keys: Published, now_s: number, tolerance_s = 15, dead: { numbers: Set<number>; expires: number } | null = null): Promise<Judged> {
  const text = normal(scanned)
  const judged: Judged = { verdict: 'malformed', number: '', paper: false, nonce: 0, seconds: 0 }
  const bytes = text.startsWith(mark) && text.length === token_characters ? bytes_of(text.slice(3)) : null
  if (!bytes || bytes.length !== 88) return judged
  const view = new DataView(bytes.buffer)
  const algorithm = bytes[0]! >> 3
  const number = view.getUint16(3) * 2 ** 32 + view.getUint32(5), issued = view.getUint32(9), expires = view.getUint32(13)
  const kid = view.getUint16(1).toString(16).padStart(4, '0')
  const as = (verdict: Verdict, seconds = 0): Judged => ({ verdict, number: number_text(number), paper: (bytes[0]! & 7) === 2, nonce: view.getUint32(17), seconds })
  if (now_s - tolerance_s > keys.expires) return as('keys-over', now_s - keys.expires)
  if (algorithm === 2) return as('online-only')
  const key = keys.keys.find((one) => one.kid === kid && one.alg === 'ES256')
  if (!key) return as('unknown-key')
  const signed = new Uint8Array([...new TextEncoder().encode(mark), ...bytes.slice(0, 24)])
  const signature = bytes.slice(24)
  if (!has_low_s(signature) || !(await fits(key, signed, signature))) return as('signature')
  if (issued + tolerance_s < key.nbf || issued - tolerance_s > key.signs_until || now_s - tolerance_s > key.exp) return as('key-over')
  if (issued > now_s + tolerance_s) return as('not-yet', issued - now_s)
  if (expires + tolerance_s < now_s) return as('expired', now_s - expires)
  if (dead?.numbers.has(number)) return as('revoked')
  if (dead && now_s - tolerance_s > dead.expires) return as('list-over', now_s - dead.expires)
  return as('good')
}
