// SPDX-License-Identifier: Apache-2.0
// What can be searched, as the server itself says it in its CapabilityStatement.
import type { CapabilityStatement } from 'fhir/r4'
import { call } from '../client/call'

export type ParameterKind = 'number' | 'date' | 'string' | 'token' | 'reference' | 'composite' | 'quantity' | 'uri' | 'special'

export interface Parameter {
  name: string
  kind: ParameterKind
  /** The server's own words, English; '' when it says none. */
  about: string
  /** Canonical address of the definition. */
  definition: string
}

export interface TypeSearch {
  type: string
  parameters: Parameter[]
  includes: string[]
}

const kinds: readonly string[] = ['number', 'date', 'string', 'token', 'reference', 'composite', 'quantity', 'uri', 'special']

/** Own parameters first, by name; those of every resource (_id, _lastUpdated …) last. */
export function searches_of(statement: CapabilityStatement): Map<string, TypeSearch> {
  const result = new Map<string, TypeSearch>()
  const rest = statement.rest?.find((one) => one.mode === 'server') ?? statement.rest?.[0]
  const read = (given: { name?: string; type?: string; documentation?: string; definition?: string }): Parameter[] =>
    given.name ? [{ name: given.name, kind: (kinds.includes(given.type ?? '') ? given.type : 'special') as ParameterKind, about: given.documentation ?? '', definition: given.definition ?? '' }] : []
  const general = (rest?.searchParam ?? []).flatMap(read).filter((one) => one.name !== '_type')
  for (const resource of rest?.resource ?? []) {
    if (!resource.type) continue
    const own = (resource.searchParam ?? []).flatMap(read)
    const known = new Set(own.map((one) => one.name))
    const all = [...own, ...general.filter((one) => !known.has(one.name))]
    const rank = (one: Parameter): string => `${one.name.startsWith('_') ? 1 : 0}${one.name}`
    all.sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
    result.set(resource.type, { type: resource.type, parameters: all, includes: resource.searchInclude ?? [] })
  }
  return result
}

let asked: Promise<Map<string, TypeSearch>> | null = null

/** Asked once a visit; a failed try is forgotten. */
export function capabilities(): Promise<Map<string, TypeSearch>> {
  asked ??= call<CapabilityStatement>('/fhir/metadata')
    .then(searches_of)
    .catch((problem: unknown) => {
      asked = null
      throw problem
    })
  return asked
}
