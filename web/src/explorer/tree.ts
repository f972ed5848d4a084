// SPDX-License-Identifier: Apache-2.0
// A resource as a tree that people can read: what belongs together (a coding, a quantity, a name) is one line.
// Shapes are told from the members, so that it works for every type and every extension.

/** A number as it was written: 5.0 is not 5 in a record. */
export class Written {
  constructor(readonly text: string) {}
}
export type Json = string | boolean | null | Written | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

const number_mark = '\u0000n'

/** JSON with numbers kept as written. Throws SyntaxError as JSON.parse does. */
export function parse_written(text: string): Json {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => (token.startsWith('"') ? token : `"\\u0000n${token}"`))
  return JSON.parse(marked, (_key, value: unknown) => (typeof value === 'string' && value.startsWith(number_mark) ? new Written(value.slice(number_mark.length)) : value)) as Json
}

export const is_object = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Written)
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : value instanceof Written ? value.text : typeof value === 'boolean' ? String(value) : '')
const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])
const joined = (...parts: string[]): string => parts.filter(Boolean).join(' ')

export interface Code {
  code: string
  system: string
  display: string
}

export type Leaf =
  | { is: 'text'; text: string }
  | { is: 'number'; text: string }
  | { is: 'flag'; on: boolean }
  | { is: 'code'; text: string }
  | { is: 'moment'; text: string }
  | { is: 'period'; from: string; to: string }
  | { is: 'concept'; text: string; codes: Code[] }
  | { is: 'reference'; text: string; to: { type: string; id: string } | null; address: string }
  | { is: 'quantity'; text: string; unit: string }
  | { is: 'identifier'; text: string; kind: string; system: string }
  | { is: 'link'; text: string }
  | { is: 'data'; bytes: number; kind: string; title: string }
  | { is: 'absent'; why: string }

export interface Branch {
  /** The element's name as in FHIR; of an extension the end of its address. */
  name: string
  /** From 1 among several; 0 for one alone. */
  index: number
  leaf: Leaf | null
  children: Branch[]
  /** The whole address of an extension. */
  address: string
  /** Where it stands in the JSON: "name[0].given[1]". */
  path: string
}

const keys_within = (value: JsonObject, ...allowed: string[]): boolean => Object.keys(value).every((key) => allowed.includes(key) || key === 'id' || key === 'extension' || key.startsWith('_'))
const has = (value: JsonObject, ...keys: string[]): boolean => keys.some((key) => value[key] !== undefined)

export function target_of(reference: string): { type: string; id: string } | null {
  const match = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/.exec(reference)
  return match && !/^urn:/.test(reference) && !/^https?:/.test(reference) ? { type: match[1] ?? '', id: match[2] ?? '' } : null
}

function code_of(value: Json): Code {
  return is_object(value) ? { code: text(value['code']), system: text(value['system']), display: text(value['display']) } : { code: '', system: '', display: '' }
}

function quantity_text(value: JsonObject): string {
  return joined(text(value['comparator']), text(value['value']))
}

/** One line for a data type that is one thing to a reader; null for what must be opened. */
function leaf_of_object(value: JsonObject): Leaf | null {
  if (has(value, 'coding') || (has(value, 'text') && keys_within(value, 'text', 'coding'))) {
    if (!keys_within(value, 'coding', 'text')) return null
    const codes = list(value['coding']).map(code_of)
    return { is: 'concept', text: text(value['text']) || (codes.find((one) => one.display)?.display ?? ''), codes }
  }
  if (has(value, 'reference', 'display') && keys_within(value, 'reference', 'type', 'identifier', 'display')) {
    const address = text(value['reference'])
    const identifier = is_object(value['identifier']) ? text(value['identifier']['value']) : ''
    return { is: 'reference', text: text(value['display']) || identifier || address, to: target_of(address), address }
  }
  if (has(value, 'value') && has(value, 'unit', 'code', 'comparator', 'currency') && value['value'] instanceof Written && keys_within(value, 'value', 'comparator', 'unit', 'system', 'code', 'currency')) {
    return { is: 'quantity', text: quantity_text(value), unit: text(value['unit']) || text(value['code']) || text(value['currency']) }
  }
  if (has(value, 'code') && has(value, 'system', 'display') && keys_within(value, 'system', 'version', 'code', 'display', 'userSelected')) return { is: 'concept', text: text(value['display']), codes: [code_of(value)] }
  if (has(value, 'start', 'end') && keys_within(value, 'start', 'end')) return { is: 'period', from: text(value['start']), to: text(value['end']) }
  if (has(value, 'low', 'high') && keys_within(value, 'low', 'high')) return range_of(value)
  if (has(value, 'numerator', 'denominator') && keys_within(value, 'numerator', 'denominator')) return { is: 'text', text: [value['numerator'], value['denominator']].map(measure).join(' / ') }
  if (has(value, 'value') && has(value, 'system', 'type', 'use') && keys_within(value, 'use', 'type', 'system', 'value', 'period', 'assigner', 'rank')) return contact_or_identifier(value)
  if (has(value, 'family', 'given') && keys_within(value, 'use', 'text', 'family', 'given', 'prefix', 'suffix', 'period')) return { is: 'text', text: name_text(value) }
  if (has(value, 'line', 'city', 'postalCode', 'country') && keys_within(value, 'use', 'type', 'text', 'line', 'city', 'district', 'state', 'postalCode', 'country', 'period')) {
    return { is: 'text', text: text(value['text']) || [...list(value['line']).map(text), ...['district', 'city', 'state', 'postalCode', 'country'].map((key) => text(value[key]))].filter(Boolean).join(', ') }
  }
  if (has(value, 'contentType', 'data') && keys_within(value, 'contentType', 'language', 'data', 'url', 'size', 'hash', 'title', 'creation')) {
    return has(value, 'data') ? { is: 'data', bytes: Math.floor((text(value['data']).length * 3) / 4), kind: text(value['contentType']), title: text(value['title']) } : { is: 'link', text: text(value['url']) || text(value['title']) }
  }
  if (has(value, 'div') && keys_within(value, 'status', 'div')) return { is: 'text', text: plain_text(text(value['div'])) }
  return null
}

const measure = (value: Json | undefined): string => (is_object(value) ? joined(quantity_text(value), text(value['unit']) || text(value['code']) || text(value['currency'])) : '')
function range_of(value: JsonObject): Leaf {
  const [low, high] = [measure(value['low']), measure(value['high'])]
  return { is: 'text', text: low && high ? `${low} – ${high}` : low ? `≥ ${low}` : `≤ ${high}` }
}
function contact_or_identifier(value: JsonObject): Leaf {
  const system = text(value['system'])
  if (['phone', 'fax', 'email', 'pager', 'url', 'sms', 'other'].includes(system)) return { is: 'identifier', text: text(value['value']), kind: joined(system, text(value['use'])), system: '' }
  const type = is_object(value['type']) ? leaf_of_object(value['type']) : null
  return { is: 'identifier', text: text(value['value']), kind: type?.is === 'concept' ? type.text || (type.codes[0]?.code ?? '') : text(value['use']), system }
}
function name_text(value: JsonObject): string {
  if (text(value['text'])) return text(value['text'])
  const given = list(value['given']).map(text).join(' ')
  const family = text(value['family'])
  if (/\p{Script=Han}/u.test(family + given)) return family + given.replaceAll(' ', '')
  return joined(list(value['prefix']).map(text).join(' '), given, family, list(value['suffix']).map(text).join(' '))
}

/** The words of a narrative, without its markup: nothing of it is ever drawn as HTML. */
export function plain_text(html: string): string {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }
  return html
    .replace(/<(?:br|\/p|\/tr|\/li|\/h\d|\/div)[^>]*>/gi, '\n')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name: string) => entities[name.toLowerCase()] ?? numbered(name) ?? whole)
    .replace(/[ \t\u00a0]+/g, ' ')
    .replace(/ ?\n[ \n]*/g, '\n')
    .trim()
}
function numbered(name: string): string | null {
  const point = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : /^#\d+$/.test(name) ? Number(name.slice(1)) : Number.NaN
  return point > 0 && point < 0x110000 ? String.fromCodePoint(point) : null
}

const moment_form = /^\d{4}(-\d{2}){0,2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$/
const code_names = new Set(['status', 'use', 'gender', 'intent', 'mode', 'kind', 'priority', 'criticality', 'type', 'language', 'contentType', 'code', 'docStatus', 'comparator', 'relationship', 'severity'])

function leaf_of(name: string, value: Json): Leaf | null {
  if (value === null) return { is: 'absent', why: '' }
  if (value instanceof Written) return { is: 'number', text: value.text }
  if (typeof value === 'boolean') return { is: 'flag', on: value }
  if (typeof value === 'string') {
    if (moment_form.test(value) && /-\d{2}|T|Date|Year/.test(value + name)) return { is: 'moment', text: value }
    if (/^https?:\/\/\S+$/.test(value)) return { is: 'link', text: value }
    if (name === 'data' && value.length > 200) return { is: 'data', bytes: Math.floor((value.length * 3) / 4), kind: '', title: '' }
    return code_names.has(name) && /^\S{1,64}$/.test(value) ? { is: 'code', text: value } : { is: 'text', text: value }
  }
  return Array.isArray(value) ? null : leaf_of_object(value)
}

function extension(value: JsonObject, index: number, path: string): Branch {
  const address = text(value['url'])
  const name = address.split(/[/#]/).filter(Boolean).at(-1) ?? ''
  const key = Object.keys(value).find((one) => one.startsWith('value') && one.length > 5)
  const inner = key ? value[key] : undefined
  const leaf = inner === undefined ? null : leaf_of(name, inner)
  const children = [...list(value['extension']).map((one, i) => (is_object(one) ? extension(one, i + 1, `${path}.extension[${i}]`) : null)).filter((one): one is Branch => one !== null), ...(leaf === null && is_object(inner) ? branches(inner, [], `${path}.${key ?? ''}`) : [])]
  return { name, index, leaf, children, address, path }
}

function branch(name: string, value: Json, index: number, path: string): Branch {
  const leaf = leaf_of(name, value)
  const inner = is_object(value) ? value : null
  const extra = inner && leaf ? list(inner['extension']).flatMap((one, i) => (is_object(one) ? [extension(one, i + 1, `${path}.extension[${i}]`)] : [])) : []
  return { name, index, leaf, children: inner && !leaf ? branches(inner, [], path) : extra, address: '', path }
}

/** The members of an object, in the order they were written. */
export function branches(value: JsonObject, leave_out: readonly string[] = [], base = ''): Branch[] {
  return Object.entries(value).flatMap(([name, inner]): Branch[] => {
    const path = base ? `${base}.${name}` : name
    if (leave_out.includes(name)) return []
    if (name === 'extension' || name === 'modifierExtension') return list(inner).flatMap((one, i) => (is_object(one) ? [extension(one, i + 1, `${path}[${i}]`)] : []))
    if (name.startsWith('_')) return companion(name.slice(1), inner, value[name.slice(1)], path)
    if (Array.isArray(inner)) return inner.map((one, i) => branch(name, one, inner.length === 1 ? 0 : i + 1, `${path}[${i}]`))
    return [branch(name, inner, 0, path)]
  })
}

/** "_birthDate": extensions of a primitive; says why a value is absent. */
function companion(name: string, inner: Json, own: Json | undefined, path: string): Branch[] {
  return (Array.isArray(inner) ? inner : [inner]).flatMap((one): Branch[] => {
    if (!is_object(one)) return []
    const children = list(one['extension']).flatMap((each, i) => (is_object(each) ? [extension(each, i + 1, `${path}.extension[${i}]`)] : []))
    const why = children.find((child) => child.name === 'data-absent-reason')?.leaf
    if (own === undefined) return [{ name, index: 0, leaf: { is: 'absent', why: why && 'text' in why ? why.text : '' }, children: children.filter((child) => child.name !== 'data-absent-reason'), address: '', path }]
    return children.length ? [{ name, index: 0, leaf: null, children, address: '', path }] : []
  })
}

/** "Local SNOMED CT" of a long address: what people call it. */
const known_systems: readonly (readonly [RegExp, string])[] = [
  [/^http:\/\/loinc\.org$/, 'LOINC'],
  [/^http:\/\/snomed\.info\/sct/, 'SNOMED CT'],
  [/rxnorm/, 'RxNorm'],
  [/sid\/cvx$/, 'CVX'],
  [/sid\/icd-10/, 'ICD-10'],
  [/sid\/icd-11|icd\.who\.int/, 'ICD-11'],
  [/unitsofmeasure/, 'UCUM'],
  [/dicom/i, 'DICOM'],
]
export function system_name(system: string): string {
  return known_systems.find(([form]) => form.test(system))?.[1] ?? system.split(/[/:#]/).filter(Boolean).at(-1) ?? ''
}
