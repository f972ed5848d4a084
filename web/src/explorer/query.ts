// SPDX-License-Identifier: Apache-2.0
// A FHIR search as the page holds it: pairs in the order they were written, and one condition taken apart.
// Source: FHIR R4 search.html (prefixes 3.1.1.4.6, modifiers 3.1.1.4.5, escaping 3.1.1.4.14).
import type { ParameterKind } from './capabilities'

export type Pair = readonly [name: string, value: string]

/** From a router's query, where a repeated name is a list. */
export function pairs_of(query: Record<string, unknown>): Pair[] {
  return Object.entries(query).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).flatMap((one): Pair[] => (typeof one === 'string' ? [[name, one]] : [])))
}

export function query_of(pairs: readonly Pair[]): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {}
  for (const [name, value] of pairs) {
    const before = query[name]
    query[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
  }
  return query
}

/** Written so that a person can read it: the characters that FHIR itself uses stay as they are. */
export function address_of(type: string, pairs: readonly Pair[]): string {
  const readable = (text: string): string => encodeURIComponent(text).replace(/%(3A|2C|7C|24|2F)/gi, (code) => decodeURIComponent(code))
  const query = pairs.map(([name, value]) => `${readable(name)}=${readable(value)}`).join('&')
  return `/fhir/${type}${query ? `?${query}` : ''}`
}

/** Reads what someone typed or pasted: a whole URL, a path, or the query alone. Null when it names no type and none is given. */
export function read_address(text: string, type: string): { type: string; pairs: Pair[] } | null {
  const bare = text.trim().replace(/^(?:GET\s+)?(?:https?:\/\/[^/?]+)?/i, '')
  const [path = '', ...rest] = bare.split('?')
  const named = /([A-Z][A-Za-z]+)\/?$/.exec(path)?.[1]
  const query = rest.length > 0 ? rest.join('?') : path.includes('=') ? path : ''
  const found = rest.length > 0 || !path.includes('=') ? (named ?? (path === '' ? type : '')) : type
  if (!found) return null
  const pairs = [...new URLSearchParams(query)].map(([name, value]): Pair => [name, value])
  return { type: found, pairs }
}

export const prefixes = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const
export type Prefix = (typeof prefixes)[number]

/** The modifiers this server answers, by kind; '' is none. */
export function modifiers_of(kind: ParameterKind): string[] {
  const own: Partial<Record<ParameterKind, string[]>> = { string: ['exact', 'contains'], token: ['not', 'text'], reference: ['identifier', 'text'] }
  return ['', ...(own[kind] ?? []), 'missing']
}

export interface Condition {
  parameter: string
  modifier: string
  prefix: Prefix
  value: string
  /** Of a quantity. */
  unit: string
}

const has_prefix = (kind: ParameterKind): boolean => kind === 'date' || kind === 'number' || kind === 'quantity'
export const takes_prefix = (kind: ParameterKind, modifier: string): boolean => has_prefix(kind) && modifier === ''

export function pair_of(condition: Condition, kind: ParameterKind): Pair {
  const name = condition.modifier ? `${condition.parameter}:${condition.modifier}` : condition.parameter
  const value = condition.value.trim()
  if (!takes_prefix(kind, condition.modifier)) return [name, value]
  const prefixed = `${condition.prefix === 'eq' ? '' : condition.prefix}${value}`
  return [name, kind === 'quantity' && condition.unit.trim() ? `${prefixed}||${condition.unit.trim()}` : prefixed]
}

/** The condition behind a pair, or null when a form can't hold it (chains, _has, several values with prefixes, systems of units). */
export function condition_of(pair: Pair, kind_of: (parameter: string) => ParameterKind | null): Condition | null {
  const [name, written] = pair
  const [parameter = '', ...modified] = name.split(':')
  const modifier = modified.join(':')
  const kind = kind_of(parameter)
  if (!kind || name.includes('.') || !modifiers_of(kind).includes(modifier)) return null
  const condition: Condition = { parameter, modifier, prefix: 'eq', value: written, unit: '' }
  if (!takes_prefix(kind, modifier)) return condition
  if (written.includes(',')) return null
  const prefix = prefixes.find((one) => written.startsWith(one))
  if (prefix) {
    condition.prefix = prefix
    condition.value = written.slice(2)
  }
  if (kind === 'quantity' && condition.value.includes('|')) {
    const parts = condition.value.split('|')
    if (parts.length !== 3 || parts[1] !== '') return null
    condition.value = parts[0] ?? ''
    condition.unit = parts[2] ?? ''
  }
  return condition
}

export type Complaint = 'empty' | 'date' | 'number' | 'reference'

/** What is wrong with a value before it is sent; null when the server may have it. */
export function complaint_of(condition: Condition, kind: ParameterKind): Complaint | null {
  const value = condition.value.trim()
  if (!value) return 'empty'
  if (condition.modifier) return null
  if (kind === 'date' && !/^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/.test(value)) return 'date'
  if ((kind === 'number' || kind === 'quantity') && !/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return 'number'
  if (kind === 'reference' && /\s/.test(value)) return 'reference'
  return null
}

/** Parameters that steer the answer and are no conditions. */
export const is_steering = (name: string): boolean => /^_(count|sort|page|total|summary|elements|include|revinclude|format|pretty|explain)(:|$)/.test(name)

/** Where the next page lies: the pairs of its address. */
export function pairs_of_link(link: string | null): Pair[] | null {
  if (!link) return null
  const at = link.indexOf('?')
  return at < 0 ? [] : [...new URLSearchParams(link.slice(at + 1))].map(([name, value]): Pair => [name, value])
}
