// SPDX-License-Identifier: Apache-2.0
// Channels as the pages reason about them: who needs someone, what a new one begins with, what is wrong before it is sent.
import type { Account, Channel, ChannelDraft, ChannelFormat, ChannelKind, ChannelState, DeliveryState } from '../client/channels'
import type { Status } from '../parts/status'

export const status_of: Record<ChannelState, Status> = { ok: 'good', sending: 'info', late: 'notice', unreachable: 'critical', refusing: 'warning', paused: 'quiet', off: 'quiet' }
export const status_of_delivery: Record<DeliveryState, Status> = { waiting: 'info', sent: 'notice', acknowledged: 'good', refused: 'warning', ignored: 'quiet' }

const order: Record<ChannelState, number> = { unreachable: 0, refusing: 1, late: 2, sending: 3, ok: 4, paused: 5, off: 6 }
/** What needs someone comes first; then the name decides. */
export const worst_first = (all: readonly Channel[]): Channel[] => [...all].sort((a, b) => order[a.health.state] - order[b.health.state] || (a.name < b.name ? -1 : 1))

export interface Totals {
  on: number
  all: number
  ill: number
  acknowledged: number
  waiting: number
  refused: number
  withheld: number
}
export function totals_of(all: readonly Channel[]): Totals {
  const sum = (of: (channel: Channel) => number): number => all.reduce((total, channel) => total + of(channel), 0)
  return {
    on: all.filter((one) => one.mode === 'on').length,
    all: all.length,
    ill: all.filter((one) => order[one.health.state] < 3).length,
    acknowledged: sum((one) => one.health.resources.acknowledged),
    waiting: sum((one) => one.health.resources.waiting + one.health.resources.sent),
    refused: sum((one) => one.health.resources.refused),
    withheld: sum((one) => one.health.resources.withheld),
  }
}

/** What is not acknowledged of a day; a channel's own silence (withheld, ignored) is no difference to worry about. */
export const open_of = (account: Account): number => account.queued.waiting + account.queued.sent + account.queued.refused + account.missing
export const account_status = (account: Account): Status => (account.missing > 0 || !account.balanced ? 'critical' : account.queued.refused > 0 ? 'warning' : open_of(account) > 0 ? 'notice' : 'good')

/** An account's day begins where the channel is, wherever the reader sits. */
export const day_in = (offset_minutes: number, now: number): string => new Date(now + offset_minutes * 60_000).toISOString().slice(0, 10)
/** The zone most channels keep; of a page with several of them. */
export const zone_of = (all: readonly Pick<Channel, 'batch'>[]): number => {
  const seen = new Map<number, number>()
  for (const one of all) seen.set(one.batch.offset_minutes, (seen.get(one.batch.offset_minutes) ?? 0) + 1)
  return [...seen].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 480
}

export const formats_of: Record<ChannelKind, ChannelFormat[]> = { fhir: ['transaction', 'document'], mllp: ['hl7v2'], folder: ['csv', 'ndjson', 'transaction', 'hl7v2', 'cda'] }

export const empty_draft = (): ChannelDraft => ({
  id: '',
  name: '',
  name_en: '',
  owner: '',
  organization: '',
  mode: 'paused',
  from: 'now',
  target: { kind: 'fhir', url: '', folder: '', tls: false, authorities: '', identity: '', login: 'none', secret: '', receipt: 'none' },
  format: 'transaction',
  filter: { types: [{ type: 'Encounter', where: '', search: '' }], organizations: [], confidentiality: ['U', 'L', 'M', 'N'], deletions: true },
  transform: { deidentify: false, key: '', pseudonyms: 'channel', dates: 'keep', columns: [], encoding: 'UTF-8', event: '', version: '2.5.1', application: 'XINGLIN', facility: '', receiving_application: '', receiving_facility: '' },
  batch: { count: 50, seconds: 0, at: '', offset_minutes: 480 },
  retry: { first_seconds: 5, most_seconds: 900, attempts: 8, timeout_seconds: 30, keep_days: 30 },
})
export function draft_of(channel: Channel): ChannelDraft {
  const { built_in: _built_in, health: _health, ...rest } = JSON.parse(JSON.stringify(channel)) as Channel // what Vue watches cannot be cloned
  return { ...rest, transform: { ...rest.transform, columns: rest.transform.columns ?? [] } }
}

export type Complaint = 'id' | 'id_taken' | 'name' | 'url' | 'folder' | 'types' | 'columns' | 'secret' | 'key'
/** What the server would refuse is said before it is asked. */
export function complaint_of(draft: ChannelDraft, taken: readonly string[]): Complaint | null {
  if (!draft.name.trim()) return 'name'
  if (!/^[a-z0-9-]{1,40}$/.test(draft.id)) return 'id'
  if (taken.includes(draft.id)) return 'id_taken'
  if (draft.target.kind === 'fhir' && !/^https?:\/\/[^\s@]+$/.test(draft.target.url)) return 'url'
  if (draft.target.kind === 'mllp' && !/^[^\s@/]+:\d{1,5}$/.test(draft.target.url)) return 'url'
  if (draft.target.kind === 'folder' && !/^([a-z0-9-]{1,40}|\/.+)$/.test(draft.target.folder)) return 'folder'
  if (draft.target.login !== 'none' && !draft.target.secret) return 'secret'
  if (draft.filter.types.length === 0 || draft.filter.types.some((one) => !one.type.trim())) return 'types'
  if (draft.format === 'csv' && (!draft.transform.columns?.length || draft.transform.columns.some((one) => !one.name.trim() || !one.path.trim()))) return 'columns'
  if (draft.transform.deidentify && !draft.transform.key) return 'key'
  return null
}

/** What is sent: members that this kind of channel does not have are left out. */
export function sent_of(draft: ChannelDraft): ChannelDraft {
  const { columns, ...all } = draft.transform
  const transform = { ...all, dates: all.deidentify ? all.dates : ('keep' as const) }
  return { ...draft, name: draft.name.trim(), transform: draft.format === 'csv' ? { ...transform, columns } : transform }
}
