// SPDX-License-Identifier: Apache-2.0
// The records opened in this sitting. The browser keeps ids only; names stay in memory and are asked for again after a reload.
import { reactive } from 'vue'
import { person_header } from '../client/people'
import type { Sex } from '../client/types'

const kept_as = 'xinglin.recent'
const most = 8

export interface RecentPerson {
  id: string
  name: string
  sex: Sex
  birth_date: string
  deceased: boolean
  at: number
}

const known = reactive(new Map<string, RecentPerson>())

export function recent_ids(): string[] {
  try {
    const ids: unknown = JSON.parse(sessionStorage.getItem(kept_as) ?? '[]')
    return Array.isArray(ids) ? ids.filter((id): id is string => typeof id === 'string').slice(0, most) : []
  } catch {
    return []
  }
}

function keep(ids: string[]): void {
  try {
    sessionStorage.setItem(kept_as, JSON.stringify(ids.slice(0, most)))
  } catch {
    // Without storage the list lasts until the next reload.
  }
}

export function remember_person(person: Omit<RecentPerson, 'at'>): void {
  known.set(person.id, { id: person.id, name: person.name, sex: person.sex, birth_date: person.birth_date, deceased: person.deceased, at: Date.now() })
  keep([person.id, ...recent_ids().filter((id) => id !== person.id)])
}

export function forget_people(): void {
  known.clear()
  keep([])
}

/** Newest first. A record that can't be read any more drops out of the list. */
export async function recent_people(): Promise<RecentPerson[]> {
  const people = await Promise.all(
    recent_ids().map(async (id) => {
      const held = known.get(id)
      if (held) return held
      try {
        const header = await person_header(id)
        const person: RecentPerson = { id, name: header.name, sex: header.sex, birth_date: header.birth_date, deceased: header.deceased, at: 0 }
        known.set(id, person)
        return person
      } catch {
        return null
      }
    }),
  )
  return people.filter((person): person is RecentPerson => person !== null)
}
