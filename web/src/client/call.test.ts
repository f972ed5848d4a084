// SPDX-License-Identifier: Apache-2.0
// Calls: what is sent, and what a failure tells.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { call, CallError, exchange, use_csrf, when_signed_out, with_query } from './call'
import { everything, next_of } from './fhir'

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })
function serve(...answers: (Response | Error)[]): ReturnType<typeof vi.fn> {
  const fetched = vi.fn(() => {
    const next = answers.shift()
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next ?? answer(200, {}))
  })
  vi.stubGlobal('fetch', fetched)
  return fetched
}
const failure = async (made: Promise<unknown>): Promise<CallError> => {
  try {
    await made
  } catch (problem) {
    if (problem instanceof CallError) return problem
  }
  throw new Error('expected a CallError')
}
const sent = (fetched: ReturnType<typeof vi.fn>): RequestInit & { headers: Record<string, string> } => fetched.mock.calls[0]?.[1] as RequestInit & { headers: Record<string, string> }

afterEach(() => {
  vi.unstubAllGlobals()
  use_csrf('')
  when_signed_out(() => {})
})

describe('a call', () => {
  it('sends the token with writes only', async () => {
    use_csrf('secret')
    const read = serve(answer(200, { a: 1 }))
    expect(await call('/api/v1/system')).toEqual({ a: 1 })
    expect(sent(read).headers['X-Xinglin-CSRF']).toBeUndefined()
    const write = serve(answer(204, undefined))
    expect(await call('/auth/logout', { method: 'POST' })).toBeUndefined()
    expect(sent(write).headers['X-Xinglin-CSRF']).toBe('secret')
  })
  it('asks for FHIR under /fhir and leaves empty parameters out', async () => {
    const fetched = serve(answer(200, {}))
    await call('/fhir/Patient', { query: { name: 'a b', gender: '', _count: 5, x: null } })
    expect(fetched.mock.calls[0]?.[0]).toBe('/fhir/Patient?name=a+b&_count=5')
    expect(sent(fetched).headers['Accept']).toBe('application/fhir+json')
    expect(with_query('/a?b=1', { c: 2 })).toBe('/a?b=1&c=2')
  })
  it('reads our errors', async () => {
    serve(answer(429, { error: { code: 'throttled', where: 'name', message: 'too often', trace: 'abc' } }, { 'Retry-After': '30' }))
    const problem = await failure(call('/auth/login', { method: 'POST', json: {} }))
    expect([problem.kind, problem.code, problem.where, problem.message, problem.trace, problem.retry_after_s]).toEqual(['throttled', 'throttled', 'name', 'too often', 'abc', 30])
  })
  it('reads OperationOutcomes, with the trace of the header', async () => {
    serve(answer(422, { resourceType: 'OperationOutcome', issue: [{ code: 'value', diagnostics: 'no such code', expression: ['Patient.gender'] }] }, { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }))
    const problem = await failure(call('/fhir/Patient'))
    expect([problem.kind, problem.code, problem.message, problem.where, problem.trace]).toEqual(['invalid', 'value', 'no such code', 'Patient.gender', '4bf92f3577b34da6a3ce929d0e0e4736'])
  })
  it('keeps every issue, with the element apart from the words', async () => {
    serve(answer(422, { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'value', diagnostics: 'Patient.gender: no such code', expression: ['Patient.gender'] }, { severity: 'warning', code: 'invariant', details: { text: 'dom-6', coding: [{ system: 'urn:xinglin:validation', code: 'invariant:dom-6' }] }, expression: ['Patient', 'Patient.text'] }] }))
    const problem = await failure(call('/fhir/Patient'))
    expect(problem.issues.map((one) => [one.severity, one.where, one.message, one.rule])).toEqual([['error', 'Patient.gender', 'no such code', ''], ['warning', 'Patient', 'dom-6', 'invariant:dom-6'], ['warning', 'Patient.text', 'dom-6', 'invariant:dom-6']])
  })
  it('survives pages of proxies and broken JSON', async () => {
    serve(answer(502, '<html>Bad gateway</html>', { 'Content-Type': 'text/html' }))
    expect((await failure(call('/api/v1/types'))).kind).toBe('server')
    serve(answer(200, '{"half":'))
    expect((await failure(call('/api/v1/types'))).code).toBe('unreadable')
  })
  it('says offline when nothing answers', async () => {
    serve(new TypeError('failed to fetch'))
    expect((await failure(call('/api/v1/types'))).kind).toBe('offline')
  })
  it('tells that the session ended, but not at the door itself', async () => {
    const ended = vi.fn()
    when_signed_out(ended)
    serve(answer(401, { error: { code: 'login' } }), answer(401, { error: { code: 'login' } }))
    await failure(call('/auth/me'))
    expect(ended).not.toHaveBeenCalled()
    await failure(exchange('/fhir/Patient'))
    expect(ended).toHaveBeenCalledOnce()
  })
})

describe('a whole record', () => {
  const page = (ids: string[], next?: string): Response => answer(200, { resourceType: 'Bundle', type: 'searchset', link: next ? [{ relation: 'next', url: next }] : [], entry: ids.map((id) => ({ resource: { resourceType: 'Observation', id } })) })
  it('is read to its last page, each resource once', async () => {
    const fetched = serve(page(['1', '2'], 'http://elsewhere:80/fhir/Patient/7/$everything?_page=x'), page(['2', '3']))
    const seen: number[] = []
    const { resources, cut } = await everything('7', { types: ['Observation'], on_page: (all) => seen.push(all.length) })
    expect(resources.map((one) => one.id)).toEqual(['1', '2', '3'])
    expect([cut, seen]).toEqual([false, [2, 3]])
    expect(fetched.mock.calls.map((one) => one[0])).toEqual(['/fhir/Patient/7/$everything?_type=Observation&_count=500', '/fhir/Patient/7/$everything?_page=x'])
  })
  it('is cut at the limit and says so', async () => {
    serve(page(['1', '2'], '/fhir/next'))
    expect((await everything('7', { limit: 2 })).cut).toBe(true)
  })
  it('does not turn in circles', async () => {
    serve(page(['1'], '/fhir/Patient/7/$everything?_count=500'), page(['2']))
    expect((await everything('7')).resources.length).toBe(1)
  })
  it('knows the next page by its relation', () => {
    expect(next_of({ resourceType: 'Bundle', type: 'searchset', link: [{ relation: 'self', url: '/fhir/a' }] })).toBeNull()
  })
})
