// SPDX-License-Identifier: Apache-2.0
// The shortest way from one text to another, line by line.
// Source: Myers, "An O(ND) difference algorithm and its variations", Algorithmica 1, 1986; the greedy form with kept frontiers.

export interface DiffLine {
  kind: 'same' | 'gone' | 'new'
  text: string
  /** Line numbers from 1; null where the line is not there. */
  before: number | null
  after: number | null
}

/** Beyond this many changed lines the texts are shown as wholly replaced: a diff that long helps nobody. */
const most_changes = 800

export function diff_lines(before: string, after: string): DiffLine[] {
  const a = before === '' ? [] : before.split('\n')
  const b = after === '' ? [] : after.split('\n')
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1
  const same = (at: number, shift: number): DiffLine => ({ kind: 'same', text: a[at] ?? '', before: at + 1, after: at + 1 + shift })
  const lines: DiffLine[] = []
  for (let i = 0; i < head; i++) lines.push(same(i, 0))
  lines.push(...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail), head))
  for (let i = a.length - tail; i < a.length; i++) lines.push(same(i, b.length - a.length))
  return lines
}

function middle(a: string[], b: string[], from: number): DiffLine[] {
  const frontiers = search(a, b)
  const gone = (x: number): DiffLine => ({ kind: 'gone', text: a[x] ?? '', before: from + x + 1, after: null })
  const added = (y: number): DiffLine => ({ kind: 'new', text: b[y] ?? '', before: null, after: from + y + 1 })
  if (!frontiers) return [...a.map((_, x) => gone(x)), ...b.map((_, y) => added(y))]
  const lines: DiffLine[] = []
  let x = a.length
  let y = b.length
  for (let d = frontiers.length - 1; x > 0 || y > 0; d--) {
    const k = x - y
    const frontier = frontiers[d - 1]
    const down = d > 0 && (k === -d || (k !== d && (frontier?.get(k - 1) ?? -1) < (frontier?.get(k + 1) ?? -1)))
    const k_before = d === 0 ? 0 : down ? k + 1 : k - 1
    const x_before = d === 0 ? 0 : (frontier?.get(k_before) ?? 0)
    const y_before = x_before - k_before
    while (x > x_before && y > y_before) {
      x -= 1
      y -= 1
      lines.push({ kind: 'same', text: a[x] ?? '', before: from + x + 1, after: from + y + 1 })
    }
    if (d > 0) lines.push(down ? added(y_before) : gone(x_before))
    x = x_before
    y = y_before
    if (d === 0) break
  }
  return lines.reverse()
}

/** Furthest x reached on each diagonal after d changes, for every d; null when there are too many changes. */
function search(a: string[], b: string[]): Map<number, number>[] | null {
  const frontiers: Map<number, number>[] = []
  let reached = new Map<number, number>([[1, 0]])
  for (let d = 0; d <= Math.min(a.length + b.length, most_changes); d++) {
    const next = new Map(reached)
    for (let k = -d; k <= d; k += 2) {
      const left = reached.get(k - 1) ?? -1
      const right = reached.get(k + 1) ?? -1
      let x = k === -d || (k !== d && left < right) ? right : left + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1
      next.set(k, x)
      if (x >= a.length && x - k >= b.length) {
        frontiers.push(next)
        return frontiers
      }
    }
    frontiers.push(next)
    reached = next
  }
  return null
}

export interface Hunk {
  lines: DiffLine[]
  /** Equal lines left out before this hunk. */
  skipped: number
}

/** Changed places with a few equal lines around; `rest` equal lines follow the last. */
export function hunks(lines: readonly DiffLine[], around = 3): { hunks: Hunk[]; rest: number } {
  const result: Hunk[] = []
  let done = 0
  for (let at = 0; at < lines.length; at++) {
    if (lines[at]?.kind === 'same') continue
    let end = at
    for (let next = at; next < lines.length && next - end <= 2 * around; next++) if (lines[next]?.kind !== 'same') end = next
    const start = Math.max(done, at - around)
    const stop = Math.min(lines.length, end + around + 1)
    result.push({ lines: lines.slice(start, stop), skipped: start - done })
    done = stop
    at = stop - 1
  }
  return { hunks: result, rest: lines.length - done }
}

export const changes = (lines: readonly DiffLine[]): { gone: number; added: number } => ({ gone: lines.filter((one) => one.kind === 'gone').length, added: lines.filter((one) => one.kind === 'new').length })
