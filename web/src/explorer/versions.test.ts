// SPDX-License-Identifier: Apache-2.0
// The list of versions, out of a history Bundle.
import type { Bundle, FhirResource } from 'fhir/r4'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { stored_text, versions_of, without_version } from './versions'

afterEach(() => vi.unstubAllGlobals())

describe('versions', () => {
  it('say what happened in each', () => {
    const entry = (method: string, status: string, etag: string): unknown => ({ request: { method, url: 'Patient/1' }, response: { status, etag, lastModified: '2026-11-22T02:00:00Z' } })
    const bundle = { resourceType: 'Bundle', type: 'history', entry: [entry('DELETE', '204 No Content', 'W/"3"'), entry('PUT', '200 OK', 'W/"2"'), entry('PUT', '201 Created', 'W/"1"')] } as unknown as Bundle<FhirResource>
    expect(versions_of(bundle).map((one) => [one.number, one.change])).toEqual([['3', 'deleted'], ['2', 'updated'], ['1', 'created']])
  })
  it('are read as they are stored, in the form asked for', async () => {
    const fetched = vi.fn(() => Promise.resolve(new Response('{"value":5.00}', { status: 200, headers: { 'Content-Type': 'application/fhir+json', ETag: 'W/"4"' } })))
    vi.stubGlobal('fetch', fetched)
    expect(await stored_text('Observation', 'a', '', 'json')).toEqual({ text: '{"value":5.00}', version: '4' })
    await stored_text('Observation', 'a', '2', 'xml')
    expect(fetched.mock.calls.map((one) => (one as unknown as [string])[0])).toEqual(['/fhir/Observation/a?_format=json&_pretty=true', '/fhir/Observation/a/_history/2?_format=xml&_pretty=true'])
  })
})

describe('a version without its number', () => {
  it('keeps everything else', () => {
    expect(without_version('{\n  "meta": {\n    "versionId": "2",\n    "lastUpdated": "x",\n    "source": "y"\n  }\n}')).toBe('{\n  "meta": {\n    "source": "y"\n  }\n}')
  })
})
