// SPDX-License-Identifier: Apache-2.0
// JSON that someone is still writing: where each value stands in the text, and the first thing that is wrong with it.
// Source of the grammar: RFC 8259.

export interface Place {
  /** Where the member's name begins, or the value where there is no name. */
  from: number
  to: number
}

export type JsonWhy = 'value' | 'name' | 'colon' | 'comma' | 'string' | 'number' | 'end' | 'extra' | 'deep' | 'twice'
export interface JsonFault {
  at: number
  why: JsonWhy
  /** What stands there, or the name that is written twice. */
  found: string
}

export interface JsonText {
  /** Undefined when the text can't be read. */
  value: unknown
  /** By path: "", "name", "name[0].given[1]". Holds what was read before a fault, too. */
  places: Map<string, Place>
  fault: JsonFault | null
}

const deepest = 100

class Fault extends Error {
  constructor(readonly fault: JsonFault) {
    super(fault.why)
  }
}

class Reader {
  at = 0
  readonly places = new Map<string, Place>()
  constructor(readonly text: string) {}

  fail(why: JsonWhy, at = this.at, found = this.text.slice(at, at + 12).split('\n')[0] ?? ''): never {
    throw new Fault({ at, why: at >= this.text.length && why !== 'twice' ? 'end' : why, found })
  }

  blank(): void {
    while (this.at < this.text.length && ' \t\r\n'.includes(this.text[this.at] ?? '')) this.at += 1
  }

  whole(): unknown {
    this.blank()
    const value = this.value('', 0, this.at)
    this.blank()
    if (this.at < this.text.length) this.fail('extra')
    return value
  }

  value(path: string, depth: number, from: number): unknown {
    if (depth > deepest) this.fail('deep')
    this.places.set(path, { from, to: this.at })
    const first = this.text[this.at]
    const read = first === '{' ? this.object(path, depth) : first === '[' ? this.array(path, depth) : first === '"' ? this.string() : this.word()
    this.places.set(path, { from, to: this.at })
    return read
  }

  object(path: string, depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    this.at += 1
    this.blank()
    if (this.text[this.at] === '}') {
      this.at += 1
      return result
    }
    for (;;) {
      const from = this.at
      if (this.text[this.at] !== '"') this.fail('name')
      const name = this.string()
      if (Object.hasOwn(result, name)) this.fail('twice', from, name)
      this.blank()
      if (this.text[this.at] !== ':') this.fail('colon')
      this.at += 1
      this.blank()
      Object.defineProperty(result, name, { value: this.value(path ? `${path}.${name}` : name, depth + 1, from), enumerable: true, configurable: true, writable: true })
      if (this.closes('}')) return result
    }
  }

  array(path: string, depth: number): unknown[] {
    const result: unknown[] = []
    this.at += 1
    this.blank()
    if (this.text[this.at] === ']') {
      this.at += 1
      return result
    }
    for (;;) {
      result.push(this.value(`${path}[${result.length}]`, depth + 1, this.at))
      if (this.closes(']')) return result
    }
  }

  /** After a member: a comma and another, or the end. */
  closes(end: string): boolean {
    this.blank()
    const next = this.text[this.at]
    if (next !== ',' && next !== end) this.fail('comma')
    this.at += 1
    this.blank()
    return next === end
  }

  string(): string {
    const from = this.at
    this.at += 1
    while (this.text[this.at] !== '"') {
      const letter = this.text[this.at]
      if (letter === undefined || letter === '\n') this.fail('string', from)
      this.at += letter === '\\' ? 2 : 1
    }
    this.at += 1
    try {
      return JSON.parse(this.text.slice(from, this.at)) as string
    } catch {
      return this.fail('string', from)
    }
  }

  word(): unknown {
    const word = /^[^\s,:{}[\]"]+/.exec(this.text.slice(this.at, this.at + 400))?.[0] ?? ''
    if (word === '') this.fail('value')
    try {
      const value: unknown = JSON.parse(word)
      this.at += word.length
      return value
    } catch {
      return this.fail(/^[-+.\d]/.test(word) ? 'number' : 'value', this.at, word)
    }
  }
}

export function read_json(text: string): JsonText {
  const reader = new Reader(text)
  try {
    return { value: reader.whole(), places: reader.places, fault: null }
  } catch (problem) {
    if (problem instanceof Fault) return { value: undefined, places: reader.places, fault: problem.fault }
    throw problem
  }
}

/** Line and column from 1. */
export function line_of(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  return { line, column: at - before.lastIndexOf('\n') }
}

interface Step {
  name: string
  index: number | null
  /** Type after ofType( or as(. */
  type: string
}

/** "Patient.name[0].given" in steps; what follows a function that chooses at run time is left aside. */
function steps_of(expression: string): Step[] {
  const steps: Step[] = []
  for (const match of expression.matchAll(/\.?([A-Za-z_$][\w$-]*)(?:\[x\])?(\([^)]*\))?(?:\[(\d+)\])?|\[(\d+)\]/g)) {
    const [, name = '', call, index, bare] = match
    const last = steps.at(-1)
    if (bare !== undefined) {
      if (last) last.index = Number(bare)
    } else if (call !== undefined) {
      if ((name === 'ofType' || name === 'as') && last) last.type = call.slice(1, -1)
      else if (name === 'first' && last) last.index ??= 0
      else break
    } else steps.push({ name, index: index === undefined ? null : Number(index), type: '' })
  }
  return steps
}

const is_object = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The member an element is written as: itself, a choice with its type ("value" as "valueQuantity"), or its companion ("_birthDate"). */
function member_of(value: Record<string, unknown>, step: Step): string | null {
  const capital = step.type ? `${step.name}${step.type.charAt(0).toUpperCase()}${step.type.slice(1)}` : ''
  if (capital && capital in value) return capital
  if (step.name in value) return step.name
  const choice = Object.keys(value).find((key) => key.startsWith(step.name) && /^[A-Z]/.test(key.slice(step.name.length)))
  return choice ?? (`_${step.name}` in value ? `_${step.name}` : null)
}

/** The deepest path of a value that an expression names; `exact` when all of it is there. */
export function locate(value: unknown, expression: string): { path: string; exact: boolean } {
  const steps = steps_of(expression)
  const type = is_object(value) ? value['resourceType'] : undefined
  if (steps[0] && (steps[0].name === type || (/^[A-Z]/.test(steps[0].name) && !(is_object(value) && steps[0].name in value)))) steps.shift()
  let path = ''
  let here = value
  for (const step of steps) {
    if (Array.isArray(here) && here.length === 1) {
      path += '[0]'
      here = here[0] as unknown
    }
    if (!is_object(here)) return { path, exact: false }
    const member = member_of(here, step)
    if (member === null) return { path, exact: false }
    path = path ? `${path}.${member}` : member
    here = here[member]
    if (step.index === null || !Array.isArray(here)) continue
    if (step.index >= here.length) return { path, exact: false }
    path += `[${step.index}]`
    here = here[step.index] as unknown
  }
  return { path, exact: true }
}
