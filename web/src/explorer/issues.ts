// SPDX-License-Identifier: Apache-2.0
// Complaints of the validation, each put where it belongs: a line of the text, a branch of the tree.
import type { FailureIssue } from '../client/call'
import type { LineMark } from '../parts/code_editor.vue'
import { line_of, locate, type JsonText } from '../parts/json_text'
import type { Status } from '../parts/status'
import type { Branch } from './tree'

export interface PlacedIssue extends FailureIssue {
  /** Path in the JSON, '' for the whole resource. */
  path: string
  /** False when the element itself isn't there, as with one that is missing. */
  exact: boolean
  at: number
  line: number
}

export const status_of = (severity: FailureIssue['severity']): Status => (severity === 'warning' ? 'warning' : severity === 'information' ? 'info' : 'critical')

const rank = { fatal: 0, error: 0, warning: 1, information: 2 }

/** Worst first, then in the order of the text. */
export function placed(issues: readonly FailureIssue[], text: string, read: JsonText): PlacedIssue[] {
  const all = issues.map((issue) => {
    const { path, exact } = locate(read.value, issue.where)
    const at = read.places.get(path)?.from ?? 0
    return { ...issue, path, exact, at, line: line_of(text, at).line }
  })
  return all.sort((a, b) => rank[a.severity] - rank[b.severity] || a.at - b.at)
}

/** "Patient.name[0].family" of a missing element as the reader looks for it: what is not there yet. */
export function missing_part(issue: PlacedIssue): string {
  if (issue.exact) return ''
  return issue.where.split('.').at(-1)?.replace(/\[\d+\]$/, '') ?? ''
}

export function marks_of(issues: readonly PlacedIssue[]): LineMark[] {
  return issues.map((issue) => ({ line: issue.line, status: status_of(issue.severity), text: [missing_part(issue), issue.message].filter(Boolean).join('　') }))
}

export interface Counted {
  errors: number
  warnings: number
}
export const counted = (issues: readonly FailureIssue[]): Counted => ({ errors: issues.filter((one) => rank[one.severity] === 0).length, warnings: issues.filter((one) => one.severity === 'warning').length })

const within = (path: string, branch: string): boolean => path === branch || (path.startsWith(branch) && '.['.includes(path.charAt(branch.length)))

/** Each issue at the deepest branch that holds its place; under '' those that no branch holds. */
export function by_branch(issues: readonly PlacedIssue[], branches: readonly Branch[]): Map<string, PlacedIssue[]> {
  const result = new Map<string, PlacedIssue[]>()
  const find = (path: string, among: readonly Branch[]): string | null => {
    for (const branch of among) if (within(path, branch.path)) return find(path, branch.children) ?? branch.path
    return null
  }
  for (const issue of issues) {
    const at = issue.path === '' ? '' : (find(issue.path, branches) ?? '')
    result.set(at, [...(result.get(at) ?? []), issue])
  }
  return result
}
