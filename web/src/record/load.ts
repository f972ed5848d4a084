// SPDX-License-Identifier: Apache-2.0
// Fetches a record: the header at once, everything else in pages behind it.
import type { Bundle, FhirResource } from 'fhir/r4'
import { onBeforeUnmount, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { call, was_aborted } from '../client/call'
import { everything, resources_of } from '../client/fhir'
import { person_header } from '../client/people'
import type { PersonHeader } from '../client/types'
import { remember_person } from '../people/recent'
import { life_of, missing_names, type Life } from './life'

const types = [
  'Encounter', 'Condition', 'Observation', 'Procedure', 'MedicationRequest', 'MedicationStatement', 'Immunization', 'DiagnosticReport',
  'DocumentReference', 'CarePlan', 'ImagingStudy', 'AllergyIntolerance', 'Organization', 'Practitioner', 'Location', 'Medication',
] as const

export interface RecordLoad {
  person: Ref<PersonHeader | null>
  life: ShallowRef<Life | null>
  /** Of a past day: what the record held then, once all of it has come. */
  then: ShallowRef<FhirResource[] | null>
  /** All pages have come. */
  whole: Ref<boolean>
  /** The record is longer than pages show. */
  cut: Ref<boolean>
  problem: Ref<unknown>
  life_problem: Ref<unknown>
  again: () => void
}

/** `as_of`: a past position of the feed; null for now; undefined while it isn't known, or where nothing was there yet: then only the header is asked for. */
export function use_record(id: () => string, as_of: () => number | null | undefined = () => null): RecordLoad {
  const person = ref<PersonHeader | null>(null)
  const life = shallowRef<Life | null>(null)
  const then = shallowRef<FhirResource[] | null>(null)
  const whole = ref(false)
  const cut = ref(false)
  const problem = ref<unknown>(null)
  const life_problem = ref<unknown>(null)
  let running: AbortController | undefined

  async function load_life(asked: string, at: number | null, signal: AbortSignal): Promise<void> {
    let first = true
    const { resources, cut: was_cut } = await everything(asked, {
      types: at === null ? types : ['Patient', ...types],
      count: 500,
      signal,
      ...(at === null ? {} : { as_of: at }),
      on_page: (so_far) => {
        if (first) life.value = life_of(so_far)
        first = false
      },
    })
    life.value = life_of(resources)
    then.value = at === null ? null : resources
    cut.value = was_cut
    const names = await named_elsewhere(resources, signal)
    if (names.length) life.value = life_of([...resources, ...names])
    whole.value = true
  }

  async function load(): Promise<void> {
    running?.abort()
    const mine = (running = new AbortController())
    const at = as_of()
    if (person.value?.id !== id()) person.value = null
    life.value = null
    then.value = null
    whole.value = false
    problem.value = null
    life_problem.value = null
    const asked = id()
    const rest = (at === undefined ? Promise.resolve() : load_life(asked, at, mine.signal)).catch((failure: unknown) => {
      if (!mine.signal.aborted && !was_aborted(failure)) life_problem.value = failure
    })
    try {
      if (person.value?.id !== asked) {
        person.value = await person_header(asked, mine.signal)
        remember_person(person.value)
      }
    } catch (failure) {
      if (!mine.signal.aborted && !was_aborted(failure)) problem.value = failure
    }
    await rest
  }

  watch([id, as_of], () => void load(), { immediate: true })
  onBeforeUnmount(() => running?.abort())
  const again = (): void => {
    person.value = null
    void load()
  }
  return { person, life, then, whole, cut, problem, life_problem, again }
}

/** Names of places and people that the record points to but doesn't hold. Without them it still opens. */
async function named_elsewhere(resources: FhirResource[], signal: AbortSignal): Promise<FhirResource[]> {
  const wanted = new Map<string, string[]>()
  for (const key of missing_names(resources)) {
    const [type, id] = key.split('/') as [string, string]
    if (type === 'Organization' || type === 'Practitioner') wanted.set(type, [...(wanted.get(type) ?? []), id])
  }
  const found: FhirResource[] = []
  for (const [type, ids] of wanted) {
    for (let at = 0; at < ids.length; at += 50) {
      try {
        const bundle = await call<Bundle<FhirResource>>(`/fhir/${type}`, { query: { _id: ids.slice(at, at + 50).join(','), _count: 50 }, signal })
        found.push(...resources_of(bundle))
      } catch (failure) {
        if (was_aborted(failure)) throw failure
        return found
      }
    }
  }
  return found
}
