// SPDX-License-Identifier: Apache-2.0
// The queue: what may be done with a question, how old it is, which ones are the same at a glance, and which comes next.
import type { Step, Task } from '../client/persons'

const day_ms = 86_400_000
/** As the server counts them: under a day, under a week, older. */
export const ages = ['day', 'week', 'older'] as const
export type Age = (typeof ages)[number]
export function age_of(opened_at: string | null, now: Date): Age {
  const waited = opened_at ? now.getTime() - new Date(opened_at).getTime() : 0
  return waited < day_ms ? 'day' : waited < 7 * day_ms ? 'week' : 'older'
}
/** Runs of one age, in the order they came. */
export function by_age<T extends { task: Task }>(tasks: T[], now: Date): { age: Age; tasks: T[] }[] {
  const groups: { age: Age; tasks: T[] }[] = []
  for (const one of tasks) {
    const age = age_of(one.task.opened_at, now)
    const last = groups.at(-1)
    if (last?.age === age) last.tasks.push(one)
    else groups.push({ age, tasks: [one] })
  }
  return groups
}

/** How a button speaks: it decides, it proposes, it confirms what somebody else proposed, or it must wait for somebody else. */
export type Weighs = 'decides' | 'proposes' | 'confirms' | 'waits'
export interface Choice {
  step: Step
  /** Word of persons.act. */
  word: 'link' | 'fits' | 'apart' | 'out' | 'seen' | 'later' | 'claim' | 'release'
  weighs: Weighs
}
/** What somebody may do with a question now; nothing with one that is answered. */
export function choices_of(task: Task, me: string, four_eyes: boolean): Choice[] {
  if (task.state !== 'open') return []
  const weighs = (step: 'link' | 'apart'): Weighs => {
    if (!four_eyes) return 'decides'
    if (task.proposal !== step) return 'proposes'
    return task.proposed_by === me ? 'waits' : 'confirms'
  }
  const choices: Choice[] = []
  const inside = task.kind === 'contradiction', alone = task.a === task.b
  if (!alone) choices.push({ step: 'link', word: inside ? 'fits' : 'link', weighs: weighs('link') })
  choices.push({ step: 'apart', word: inside ? 'out' : alone ? 'seen' : 'apart', weighs: alone ? 'decides' : weighs('apart') })
  choices.push({ step: 'later', word: 'later', weighs: 'decides' })
  choices.push(task.claimed_by === me ? { step: 'release', word: 'release', weighs: 'decides' } : { step: 'claim', word: 'claim', weighs: 'decides' })
  return choices
}

/** Nothing speaks against it, and name, birth date and one more thing are the same: what a glance would link. */
export function is_plain(task: Task): boolean {
  if (task.state !== 'open' || task.a === task.b || (task.kind !== 'doubt' && task.kind !== 'join')) return false
  const exact = task.weights.filter((one) => one.level === 'exact').map((one) => one.field)
  const same = (field: string): boolean => exact.includes(field)
  return task.weights.every((one) => one.level !== 'differs' && one.level !== 'far' && one.weight >= -0.5) && same('name') && same('birth_date') && ['national_id', 'phone', 'address'].some(same)
}

/** Which question follows: the one at the same place, or the last one. */
export function next_number(tasks: { task: Task }[], place: number): number | undefined {
  return tasks[Math.min(Math.max(place, 0), tasks.length - 1)]?.task.number
}

/** Keys of the desk; letters are those of the English words. */
export const keys: Record<string, Step | 'down' | 'up' | 'why' | 'numbers'> = { l: 'link', k: 'apart', p: 'later', c: 'claim', j: 'down', ArrowDown: 'down', ArrowUp: 'up', u: 'up', w: 'why', n: 'numbers' }
