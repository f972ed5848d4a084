// SPDX-License-Identifier: Apache-2.0
// QR codes (ISO/IEC 18004:2015, error correction M, versions 1 to 6): of capital letters and digits in alphanumeric mode, up to 154 characters, which is
// what a card says; of other ASCII in byte mode, up to 106, which is what a second factor says. The smallest version that holds the text, the mask with
// the least penalty.

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'
/** Table 9, level M: all codewords, those of correction in a block, blocks. */
const sizes = [[26, 10, 1], [44, 16, 1], [70, 26, 1], [100, 18, 2], [134, 24, 2], [172, 16, 4]] as const

const is_alphanumeric = (text: string): boolean => [...text].every((one) => alphabet.includes(one))

function bits_of(text: string): number[] {
  const out: number[] = []
  const put = (value: number, count: number): void => {
    for (let i = count - 1; i >= 0; i--) out.push((value >> i) & 1)
  }
  if (!is_alphanumeric(text)) {
    put(4, 4)
    put(text.length, 8)
    for (const letter of text) put(letter.charCodeAt(0), 8)
    return out
  }
  put(2, 4)
  put(text.length, 9)
  for (let i = 0; i < text.length; i += 2) {
    const first = alphabet.indexOf(text[i] ?? '')
    if (i + 1 < text.length) put(first * 45 + alphabet.indexOf(text[i + 1] ?? ''), 11)
    else put(first, 6)
  }
  return out
}

// The field of 256 elements, by x^8 + x^4 + x^3 + x^2 + 1.
const powers: number[] = []
for (let i = 0, x = 1; i < 255; i++) {
  powers.push(x)
  x = x & 128 ? ((x << 1) ^ 285) & 255 : x << 1
}
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : powers[(powers.indexOf(a) + powers.indexOf(b)) % 255]!)

function correction(data: number[], count: number): number[] {
  let divisor = [1]
  for (let i = 0; i < count; i++) divisor = [...divisor, 0].map((one, at) => one ^ times(divisor[at - 1] ?? 0, powers[i]!))
  const rest = Array<number>(count).fill(0)
  for (const byte of data) {
    const factor = byte ^ rest.shift()!
    rest.push(0)
    for (let i = 0; i < count; i++) rest[i] = rest[i]! ^ times(divisor[i + 1]!, factor)
  }
  return rest
}

/** Blocks with their correction, codewords of all taken in turn. */
function codewords(bits: number[], [all, fix, blocks]: (typeof sizes)[number]): number[] {
  const room = all - fix * blocks
  const padded = [...bits, ...Array<number>(Math.min(4, room * 8 - bits.length)).fill(0)]
  while (padded.length % 8) padded.push(0)
  const data: number[] = []
  for (let i = 0; i < padded.length; i += 8) data.push(parseInt(padded.slice(i, i + 8).join(''), 2))
  for (let i = 0; data.length < room; i++) data.push(i % 2 ? 17 : 236)
  const short = Math.floor(room / blocks)
  const long_from = blocks - (room % blocks)
  const parts: number[][] = []
  for (let i = 0, at = 0; i < blocks; i++) {
    const size = short + (i >= long_from ? 1 : 0)
    parts.push(data.slice(at, at + size))
    at += size
  }
  const fixes = parts.map((part) => correction(part, fix))
  const out: number[] = []
  for (let i = 0; i <= short; i++) for (const part of parts) if (i < part.length) out.push(part[i]!)
  for (let i = 0; i < fix; i++) for (const part of fixes) out.push(part[i]!)
  return out
}

export type Matrix = boolean[][]

function frame(version: number): { dark: Matrix; taken: Matrix } {
  const size = version * 4 + 17
  const dark: Matrix = Array.from({ length: size }, () => Array<boolean>(size).fill(false))
  const taken: Matrix = Array.from({ length: size }, () => Array<boolean>(size).fill(false))
  const set = (x: number, y: number, on: boolean): void => {
    if (x < 0 || y < 0 || x >= size || y >= size) return
    dark[y]![x] = on
    taken[y]![x] = true
  }
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0)
    set(i, 6, i % 2 === 0)
  }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]] as const)
    for (let dy = -4; dy <= 4; dy++) for (let dx = -4; dx <= 4; dx++) set(cx + dx, cy + dy, ![2, 4].includes(Math.max(Math.abs(dx), Math.abs(dy))))
  if (version > 1) {
    const at = size - 7
    for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) set(at + dx, at + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1)
  }
  for (let i = 0; i < 9; i++) {
    taken[8]![i] = taken[i]![8] = true
    if (i < 8) taken[8]![size - 1 - i] = taken[size - 1 - i]![8] = true
  }
  set(8, size - 8, true)
  return { dark, taken }
}

const masks: ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]

/** Level M is 00; fifteen bits by BCH, then the fixed mask. */
function format_bits(mask: number): number {
  let rest = mask
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537)
  return ((mask << 10) | rest) ^ 0x5412
}

function put_format(dark: Matrix, mask: number): void {
  const bits = format_bits(mask), size = dark.length
  for (let i = 0; i < 15; i++) {
    const on = ((bits >> i) & 1) === 1
    const [y, x] = i < 6 ? [i, 8] : i < 8 ? [i + 1, 8] : i === 8 ? [8, 7] : [8, 14 - i]
    dark[y]![x] = on
    if (i < 8) dark[8]![size - 1 - i] = on
    else dark[size - 15 + i]![8] = on
  }
}

function put_data(dark: Matrix, taken: Matrix, bytes: number[], mask: number): void {
  const size = dark.length
  let at = 0
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5
    for (let step = 0; step < size; step++) {
      const y = ((right + 1) & 2) === 0 ? size - 1 - step : step
      for (const x of [right, right - 1]) {
        if (taken[y]![x]) continue
        const on = at < bytes.length * 8 && ((bytes[at >> 3]! >> (7 - (at & 7))) & 1) === 1
        dark[y]![x] = on !== masks[mask]!(x, y)
        at++
      }
    }
  }
}

/** 7.8.3: runs, squares, what looks like a finder, and how far from half is dark. */
function penalty(dark: Matrix): number {
  const size = dark.length
  let sum = 0, darks = 0
  const lines = [...dark, ...dark.map((_row, x) => dark.map((row) => row[x]!))]
  for (const line of lines) {
    const text = line.map((on) => (on ? '1' : '0')).join('')
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2
    for (let i = 0; i + 11 <= size; i++) if (['10111010000', '00001011101'].includes(text.slice(i, i + 11))) sum += 40
  }
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (dark[y]![x]) darks++
      if (x + 1 < size && y + 1 < size && dark[y]![x] === dark[y]![x + 1] && dark[y]![x] === dark[y + 1]![x] && dark[y]![x] === dark[y + 1]![x + 1]) sum += 3
    }
  return sum + 10 * Math.floor(Math.abs((darks * 20) / (size * size) - 10))
}

/** True is dark; without the quiet margin of four. Throws when the text is too long or is not ASCII. */
export function qr_matrix(text: string): Matrix {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new Error('a QR code of ours holds ASCII only')
  const bits = bits_of(text)
  const version = sizes.findIndex(([all, fix, blocks]) => bits.length <= (all - fix * blocks) * 8) + 1
  if (version === 0) throw new Error('the text is too long for a QR code of ours')
  const bytes = codewords(bits, sizes[version - 1]!)
  let best: Matrix | null = null, least = Infinity
  for (let mask = 0; mask < 8; mask++) {
    const { dark, taken } = frame(version)
    put_data(dark, taken, bytes, mask)
    put_format(dark, mask)
    const cost = penalty(dark)
    if (cost < least) {
      least = cost
      best = dark
    }
  }
  return best!
}

/** As an SVG path, one unit a module, the quiet margin included. */
export function qr_path(matrix: Matrix): string {
  let path = ''
  matrix.forEach((row, y) => row.forEach((on, x) => (path += on ? `M${x + 4} ${y + 4}h1v1h-1z` : '')))
  return path
}
