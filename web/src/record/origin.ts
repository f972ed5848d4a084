// SPDX-License-Identifier: Apache-2.0
// Where a fact came from: the source that sent it and the number of its message, as intake writes them into meta.source.
import { ref, type Ref } from 'vue'
import type { FhirResource } from 'fhir/r4'
import { sources } from '../client/intake'

export interface Origin {
  source: string
  /** The sender's own number of the message; '' when it had none. */
  control: string
}

/** "urn:xinglin:source:SENDER#CONTROL-ID"; null for what was not received as a message. */
export function origin_of(resource: Pick<FhirResource, 'meta'> | undefined): Origin | null {
  const match = /^urn:xinglin:source:([a-z0-9:-]+)(?:#(.*))?$/.exec(resource?.meta?.source ?? '')
  return match ? { source: match[1] ?? '', control: match[2] ?? '' } : null
}

/** Each origin once, in order. */
export function distinct(origins: readonly (Origin | null)[]): Origin[] {
  const seen = new Map<string, Origin>()
  for (const origin of origins) if (origin && !seen.has(`${origin.source}#${origin.control}`)) seen.set(`${origin.source}#${origin.control}`, origin)
  return [...seen.values()]
}

const names: Ref<Map<string, string>> = ref(new Map())
let asked = false
/** Names of sources, asked for when the first origin is shown; for those who may not see sources, ids have to do. */
export function source_names(): Ref<Map<string, string>> {
  if (!asked) {
    asked = true
    sources().then((all) => (names.value = new Map(all.map((source) => [source.id, source.name]))), () => {})
  }
  return names
}
