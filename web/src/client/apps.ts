// SPDX-License-Identifier: Apache-2.0
// Apps that ask to be let in, those that were, and other houses one can log in through.
import { call } from './call'

export interface AskedScope {
  scope: string
  whose: 'patient' | 'user' | 'system'
  /** Of FHIR R4, or '*'. */
  type: string
  /** Some of "cruds". */
  actions: string
  /** A condition of search, '' for none. */
  query: string
}

export interface AppRequest {
  client: string
  goes_to: string
  scopes: AskedScope[]
  words: string[]
  needs_patient: boolean
  /** Instead of all that: the app is sent away to this address. */
  redirect?: string
}

export interface App {
  id: string
  client: string
  scope: string
  patient?: string
  offline: boolean
  since: string
  until: string
}

export interface OtherHouse {
  id: string
  name: string
}

/** `query`: of the address the app came with, with or without '?'. */
export const app_request = (query: string, signal?: AbortSignal): Promise<AppRequest> => call<AppRequest>(`/oauth/request?${query.replace(/^\?/, '')}`, { signal })

export const decide = (request: string, decision: 'allow' | 'deny', patient: string): Promise<{ redirect: string }> => call('/oauth/approve', { method: 'POST', json: { request: request.replace(/^\?/, ''), decision, patient } })

export const my_apps = async (signal?: AbortSignal): Promise<App[]> => (await call<{ apps: App[] }>('/oauth/apps', { signal })).apps

export const end_app = (id: string): Promise<void> => call<void>(`/oauth/apps/${encodeURIComponent(id)}`, { method: 'DELETE' })

export const other_houses = async (): Promise<OtherHouse[]> => (await call<{ providers: OtherHouse[] }>('/auth/external')).providers
