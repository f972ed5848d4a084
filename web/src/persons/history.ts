// SPDX-License-Identifier: Apache-2.0
// The history of a person in words: every decision says what it changed, newest first.
import type { Evidence, HistoryLine } from '../client/persons'

export interface Said {
  /** Of persons.said. */
  key: string
  /** Patient ids to be named; `members` those that left. */
  a: string
  b: string
  members: string[]
}
export interface Event {
  at: string
  line?: HistoryLine
  link?: Evidence
}

/** Decisions and the links the program made by itself, newest first. */
export function events_of(history: HistoryLine[], links: Evidence[]): Event[] {
  const all: Event[] = [...history.map((line): Event => ({ at: line.at ?? '', line })), ...links.filter((one) => !one.by_hand).map((link): Event => ({ at: link.at ?? '', link }))]
  // Of one moment the decision stands above what the program did.
  return all.map((one, place) => ({ one, place })).sort((x, y) => (x.one.at === y.one.at ? x.place - y.place : x.one.at < y.one.at ? 1 : -1)).map(({ one }) => one)
}

export function said_of(line: HistoryLine, history: HistoryLine[]): Said {
  const plain = { key: line.kind as string, a: line.a, b: line.b, members: line.members }
  if (line.kind === 'apart' && line.a === line.b) return { ...plain, key: 'seen' }
  if (line.kind === 'undo') {
    const target = history.find((one) => one.decision === line.target)
    return target ? { key: `undo_${target.kind}`, a: target.a, b: target.b, members: target.members } : { ...plain, key: 'undo' }
  }
  return plain
}
const undoable = ['link', 'apart', 'split', 'undo']
export const can_undo = (line: HistoryLine): boolean => !line.undone && !line.without_effect && undoable.includes(line.kind) && line.decision !== ''
/** The decision just made, to be taken back from the note about it. */
export const just_made = (history: HistoryLine[], kind: string, who: string): HistoryLine | undefined => history.find((one) => one.kind === kind && one.who === who && can_undo(one))
/** Patients that the history speaks of and that are not among these. */
export function strangers_of(history: HistoryLine[], links: Evidence[], known: string[]): string[] {
  const all = new Set([...history.flatMap((one) => [one.a, one.b, ...one.members]), ...links.flatMap((one) => [one.a, one.b])])
  return [...all].filter((id) => id && !known.includes(id)).sort()
}
