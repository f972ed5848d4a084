// SPDX-License-Identifier: Apache-2.0
// One resource on the wire: its text as stored, in JSON or XML, now or in a version; and its versions.
import type { Bundle, FhirResource } from 'fhir/r4'
import { call, exchange } from '../client/call'
import { next_of } from '../client/fhir'

export interface Version {
  number: string
  /** Instant of the change. */
  at: string
  change: 'created' | 'updated' | 'deleted'
}

const address = (type: string, id: string, version: string): string => `/fhir/${type}/${encodeURIComponent(id)}${version ? `/_history/${encodeURIComponent(version)}` : ''}`
const tag_of = (etag: string | null | undefined): string => /^(?:W\/)?"(.+)"$/.exec(etag ?? '')?.[1] ?? ''

export async function stored_text(type: string, id: string, version: string, format: 'json' | 'xml', signal?: AbortSignal): Promise<{ text: string; version: string }> {
  const answer = await exchange<string>(address(type, id, version), { query: { _format: format, _pretty: true }, headers: { Accept: `application/fhir+${format}` }, raw: true, signal })
  return { text: answer.value, version: tag_of(answer.headers.get('ETag')) || version }
}

/** One page of versions, newest first, and the address of the page before them. */
export async function versions_page(type: string, id: string, next: string | null, signal?: AbortSignal): Promise<{ versions: Version[]; next: string | null; total: number | null }> {
  const bundle = await call<Bundle<FhirResource>>(next ?? `${address(type, id, '')}/_history?_elements=id`, { signal })
  return { versions: versions_of(bundle), next: next_of(bundle), total: bundle.total ?? null }
}

export function versions_of(bundle: Bundle<FhirResource>): Version[] {
  return (bundle.entry ?? []).map((entry) => {
    const number = tag_of(entry.response?.etag) || (entry.resource?.meta?.versionId ?? '')
    const change = entry.request?.method === 'DELETE' ? 'deleted' : entry.request?.method === 'POST' || entry.response?.status?.startsWith('201') || number === '1' ? 'created' : 'updated'
    return { number, at: entry.response?.lastModified ?? entry.resource?.meta?.lastUpdated ?? '', change }
  })
}

/** The parts of a stored version that change with every version, taken out before versions are compared. */
export function without_version(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/^ {2,4}\s*"(?:versionId|lastUpdated)":/.test(line))
    .join('\n')
}
