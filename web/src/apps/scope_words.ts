// SPDX-License-Identifier: Apache-2.0
// Scopes in words that a person decides by: one line for each, what it is about and what may be done.
import type { AskedScope } from '../client/apps'

export interface ScopeLine {
  key: string
  /** Message of the line, with `what` and `actions` in it. */
  message: 'apps.line.patient' | 'apps.line.user'
  /** Type of FHIR, '' for everything. */
  type: string
  actions: ('read' | 'write' | 'erase')[]
  condition: string
}

export function lines_of(scopes: readonly AskedScope[]): ScopeLine[] {
  return scopes.map((one) => {
    const actions: ScopeLine['actions'] = []
    if (/[rs]/.test(one.actions)) actions.push('read')
    if (/[cu]/.test(one.actions)) actions.push('write')
    if (one.actions.includes('d')) actions.push('erase')
    return { key: one.scope, message: one.whose === 'patient' ? 'apps.line.patient' : 'apps.line.user', type: one.type === '*' ? '' : one.type, actions, condition: decodeURIComponent(one.query.replace(/\+/g, ' ')) }
  })
}

/** Only an address that a browser goes to, never one that it runs. */
export function may_go_to(address: string): boolean {
  return /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:\/)/i.test(address)
}
