// SPDX-License-Identifier: Apache-2.0
// Validation: which profiles there are, what a resource lacks, and keeping it.
import { CallError, exchange, call, issues_of, type FailureIssue, type OutcomeIssue } from './call'

export interface ProfileInfo {
  url: string
  name: string
  title: string
  title_en: string | null
  type: string
  version: string | null
  status: string
  origin: 'built in' | 'stored'
  must_support: number
  /** Why nothing can be checked against it; null when it can. */
  error?: string | null
}

export const profiles = async (signal?: AbortSignal): Promise<ProfileInfo[]> => (await call<{ profiles: ProfileInfo[] }>('/api/v1/profiles', { signal })).profiles

const json = { 'Content-Type': 'application/fhir+json' }

/** What is wrong with a resource as it is written, in the reader's language; nothing when all is well. */
export async function validate(type: string, text: string, profile: string, language: string, signal?: AbortSignal): Promise<FailureIssue[]> {
  try {
    const outcome = await call<{ issue?: OutcomeIssue[] }>(`/fhir/${type}/$validate`, { method: 'POST', query: { profile }, body: text, headers: { ...json, 'Accept-Language': language }, signal })
    return issues_of(outcome).filter((issue) => issue.severity !== 'information' || issue.where !== '')
  } catch (failure) {
    // What can't even be read is refused instead of answered; to the one who writes it is the same.
    if (failure instanceof CallError && failure.kind === 'invalid' && failure.issues.length) return [...failure.issues]
    throw failure
  }
}

export interface Saved {
  type: string
  id: string
  version: string
}
/** Creates or replaces. `version`: the one the writer has seen, so that nobody else's change is lost. */
export async function save_resource(type: string, id: string, version: string, text: string, language: string): Promise<Saved> {
  const answer = await exchange<{ id?: string; meta?: { versionId?: string } }>(id ? `/fhir/${type}/${encodeURIComponent(id)}` : `/fhir/${type}`, {
    method: id ? 'PUT' : 'POST',
    body: text,
    headers: { ...json, 'Accept-Language': language, Prefer: 'return=representation', ...(version ? { 'If-Match': `W/"${version}"` } : {}) },
  })
  const location = /([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/([^/?]+))?$/.exec(answer.headers.get('Location') ?? '')
  return { type, id: answer.value?.id ?? location?.[2] ?? id, version: answer.value?.meta?.versionId ?? /"(.+)"/.exec(answer.headers.get('ETag') ?? '')?.[1] ?? '' }
}
