// SPDX-License-Identifier: Apache-2.0
// The FHIR side: a whole record in pages, and any search or read.
import type { Bundle, FhirResource } from 'fhir/r4'
import { call, CallError } from './call'

/** The address of the next page, made relative: the server may be known under another name than it thinks. */
export function next_of(bundle: Bundle<FhirResource>): string | null {
  const url = bundle.link?.find((link) => link.relation === 'next')?.url
  if (!url) return null
  const at = url.indexOf('/fhir')
  return at >= 0 ? url.slice(at) : url
}

export const resources_of = (bundle: Bundle<FhirResource>): FhirResource[] => (bundle.entry ?? []).flatMap((entry) => (entry.resource ? [entry.resource] : []))

export interface EverythingOptions {
  types?: readonly string[]
  count?: number
  signal?: AbortSignal
  /** Called after each page with all that has arrived. */
  on_page?: (resources: FhirResource[]) => void
  /** A record longer than this is cut; the page says so. */
  limit?: number
  /** The record as it was at this position of the feed. */
  as_of?: number
}

/** Reads Patient/{id}/$everything to its end: the record of the person. Begins again when records of the person were linked or parted meanwhile. */
export async function everything(id: string, options: EverythingOptions = {}): Promise<{ resources: FhirResource[]; cut: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await everything_once(id, options)
    } catch (failure) {
      if (attempt === 3 || !(failure instanceof CallError) || failure.kind !== 'conflict') throw failure
    }
  }
}

async function everything_once(id: string, options: EverythingOptions): Promise<{ resources: FhirResource[]; cut: boolean }> {
  const limit = options.limit ?? 20_000
  const resources: FhirResource[] = []
  const seen = new Set<string>()
  const first = new URLSearchParams()
  if (options.types?.length) first.set('_type', options.types.join(','))
  first.set('_count', String(options.count ?? 500))
  if (options.as_of !== undefined) first.set('_asOf', String(options.as_of))
  let path: string | null = `/fhir/Patient/${encodeURIComponent(id)}/$everything?${first.toString()}`
  while (path) {
    const bundle: Bundle<FhirResource> = await call<Bundle<FhirResource>>(path, { signal: options.signal })
    for (const resource of resources_of(bundle)) {
      const key = `${resource.resourceType}/${resource.id ?? ''}`
      if (!seen.has(key)) {
        seen.add(key)
        resources.push(resource)
      }
    }
    options.on_page?.(resources)
    const next = next_of(bundle)
    if (resources.length >= limit) return { resources, cut: next !== null }
    path = next === path ? null : next
  }
  return { resources, cut: false }
}
