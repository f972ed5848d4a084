// SPDX-License-Identifier: Apache-2.0
// The ledger: every message that came is stored, rejected, a duplicate, ignored or still waiting. Nothing else.
import type { LedgerLine } from '../client/intake'

export const columns = ['received', 'stored', 'rejected', 'duplicate', 'ignored', 'waiting'] as const

/** What has become of messages, all told. */
export const accounted = (line: Omit<LedgerLine, 'source' | 'balanced'>): number => line.stored + line.rejected + line.duplicate + line.ignored + line.waiting

/** How many nobody can account for; 0 is as it should be. */
export const missing = (line: Omit<LedgerLine, 'source' | 'balanced'>): number => line.received - accounted(line)

export function total_of(lines: readonly LedgerLine[]): Omit<LedgerLine, 'source'> {
  const sum = (name: (typeof columns)[number]): number => lines.reduce((all, line) => all + line[name], 0)
  return { received: sum('received'), stored: sum('stored'), rejected: sum('rejected'), duplicate: sum('duplicate'), ignored: sum('ignored'), waiting: sum('waiting'), balanced: lines.every((line) => line.balanced) }
}

/** Lines that don't balance first, then by what came. */
export const unbalanced_first = (lines: readonly LedgerLine[]): LedgerLine[] => [...lines].sort((a, b) => Number(a.balanced) - Number(b.balanced) || b.received - a.received || (a.source < b.source ? -1 : 1))
