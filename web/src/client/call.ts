// SPDX-License-Identifier: Apache-2.0
// The one way to the server: a call answers with typed JSON or fails with a CallError that says what, where and the trace id.

export type FailureKind =
  | 'offline' // no answer at all
  | 'login' // 401
  | 'forbidden' // 403
  | 'missing' // 404, 410
  | 'conflict' // 409, 412
  | 'invalid' // 400, 413, 422
  | 'throttled' // 429
  | 'server' // the rest

/** One complaint of a server that had several. */
export interface FailureIssue {
  severity: 'fatal' | 'error' | 'warning' | 'information'
  code: string
  /** FHIRPath of the element, '' for the whole. */
  where: string
  message: string
  /** What rule it is, when the server says: "min", "binding", "invariant:pat-1". */
  rule: string
}

/** A call that was not granted, as the pages need it: never holds what the caller sent. */
export class CallError extends Error {
  readonly kind: FailureKind
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly trace: string,
    readonly where = '',
    readonly retry_after_s: number | null = null,
    readonly issues: readonly FailureIssue[] = [],
  ) {
    super(message)
    this.name = 'CallError'
    this.kind = failure_kind(status)
  }
}

export function failure_kind(status: number): FailureKind {
  if (status === 0) return 'offline'
  if (status === 401) return 'login'
  if (status === 403) return 'forbidden'
  if (status === 404 || status === 410) return 'missing'
  if (status === 409 || status === 412) return 'conflict'
  if (status === 400 || status === 413 || status === 422) return 'invalid'
  if (status === 429) return 'throttled'
  return 'server'
}

export interface CallOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Left-out values (undefined, null, '') are not sent. */
  query?: Record<string, string | number | boolean | null | undefined>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  body?: BodyInit
  headers?: Record<string, string>
  signal?: AbortSignal
  /** The text of the answer as it was sent, JSON too: decimals keep their written zeros. */
  raw?: boolean
}

export interface Answer<T> {
  status: number
  headers: Headers
  value: T
}

let csrf = ''
let on_signed_out: () => void = () => {}

/** The token that must go with every write; from /auth/me and /auth/login. */
export function use_csrf(token: string): void {
  csrf = token
}

/** Called when the server says that the session has ended. */
export function when_signed_out(act: () => void): void {
  on_signed_out = act
}

export function with_query(path: string, query: CallOptions['query']): string {
  if (!query) return path
  const pairs = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') pairs.append(name, String(value))
  }
  const text = pairs.toString()
  return text ? `${path}${path.includes('?') ? '&' : '?'}${text}` : path
}

/** The body of a good answer, parsed; undefined for an empty one. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  return (await exchange<T>(path, options)).value
}

/** As `call`, with status and headers (ETag, Location). */
export async function exchange<T>(path: string, options: CallOptions = {}): Promise<Answer<T>> {
  const method = options.method ?? 'GET'
  const headers: Record<string, string> = { Accept: path.startsWith('/fhir') ? 'application/fhir+json' : 'application/json', ...options.headers }
  let body = options.body
  if (options.json !== undefined) {
    headers['Content-Type'] ??= path.startsWith('/fhir') ? 'application/fhir+json' : 'application/json'
    body = JSON.stringify(options.json)
  }
  if (method !== 'GET' && csrf) headers['X-Xinglin-CSRF'] = csrf
  let response: Response
  try {
    response = await fetch(with_query(path, options.query), { method, headers, body, signal: options.signal, credentials: 'same-origin', cache: 'no-store' })
  } catch (problem) {
    if (options.signal?.aborted) throw problem
    throw new CallError(0, 'offline', '', '')
  }
  const text = await response.text()
  if (!response.ok) {
    const failure = failure_from(response, text)
    if (response.status === 401 && !path.startsWith('/auth/')) on_signed_out()
    throw failure
  }
  return { status: response.status, headers: response.headers, value: options.raw ? (text as T) : parsed<T>(response, text) }
}

/** Sends a file and tells how many of its bytes have left; fetch can't, so this is the older way. */
export function upload<T>(path: string, file: Blob, on_progress: (sent: number) => void, signal?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const request = new XMLHttpRequest()
    const stop = (): void => request.abort()
    request.open('POST', path)
    request.setRequestHeader('Accept', 'application/json')
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    if (csrf) request.setRequestHeader('X-Xinglin-CSRF', csrf)
    request.upload.addEventListener('progress', (event) => on_progress(event.loaded))
    request.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')))
    request.addEventListener('error', () => reject(new CallError(0, 'offline', '', '')))
    request.addEventListener('loadend', () => signal?.removeEventListener('abort', stop))
    request.addEventListener('load', () => {
      const type = request.getResponseHeader('Content-Type') ?? ''
      const headers = { 'Content-Type': type, 'X-Request-Id': request.getResponseHeader('X-Request-Id') ?? '', 'Retry-After': request.getResponseHeader('Retry-After') ?? 'none' }
      const response = new Response(null, { status: request.status, headers })
      if (request.status === 401) on_signed_out()
      try {
        if (response.ok) resolve(parsed<T>(response, request.responseText))
        else reject(failure_from(response, request.responseText))
      } catch (problem) {
        reject(problem instanceof Error ? problem : new Error(String(problem)))
      }
    })
    if (signal?.aborted) return request.abort()
    signal?.addEventListener('abort', stop)
    request.send(file)
  })
}

/** True for the failure that a page causes itself by asking for something newer. */
export function was_aborted(problem: unknown): boolean {
  return problem instanceof DOMException && problem.name === 'AbortError'
}

function parsed<T>(response: Response, text: string): T {
  if (text === '') return undefined as T
  if (!(response.headers.get('Content-Type') ?? '').includes('json')) return text as T
  try {
    return JSON.parse(text) as T
  } catch {
    throw new CallError(response.status >= 400 ? response.status : 502, 'unreadable', '', trace_of(response))
  }
}

function trace_of(response: Response): string {
  const parent = response.headers.get('traceparent')
  return response.headers.get('X-Trace-Id') ?? parent?.split('-')[1] ?? response.headers.get('X-Request-Id') ?? ''
}

interface ErrorBody {
  error?: { code?: string; where?: string; message?: string; trace?: string }
  resourceType?: string
  id?: string
  issue?: OutcomeIssue[]
}

export interface OutcomeIssue {
  severity?: string
  code?: string
  diagnostics?: string
  details?: { text?: string; coding?: { system?: string; code?: string }[] }
  expression?: string[]
}

/** The issues of an OperationOutcome; one that names several elements is one for each. */
export function issues_of(outcome: { issue?: OutcomeIssue[] } | null | undefined): FailureIssue[] {
  return (outcome?.issue ?? []).flatMap((issue) => {
    const severity = issue.severity === 'fatal' || issue.severity === 'warning' || issue.severity === 'information' ? issue.severity : 'error'
    const rule = issue.details?.coding?.find((one) => one.system === 'urn:xinglin:validation')?.code ?? issue.details?.coding?.[0]?.code ?? ''
    const said = issue.diagnostics ?? issue.details?.text ?? issue.code ?? ''
    // The element is said apart, so the words needn't begin with it.
    return (issue.expression?.length ? issue.expression : ['']).map((where) => ({ severity, code: issue.code ?? '', where, message: where && said.startsWith(`${where}: `) ? said.slice(where.length + 2) : said, rule }))
  })
}

function failure_from(response: Response, text: string): CallError {
  const retry = Number(response.headers.get('Retry-After') ?? Number.NaN)
  const retry_after_s = Number.isFinite(retry) ? retry : null
  let body: ErrorBody = {}
  try {
    body = (JSON.parse(text) ?? {}) as ErrorBody
  } catch {
    // A proxy's HTML page says nothing that we could show.
  }
  const issue = body.issue?.[0]
  const code = body.error?.code ?? issue?.code ?? `http-${response.status}`
  const message = body.error?.message ?? issue?.diagnostics ?? issue?.details?.text ?? ''
  const trace = body.error?.trace ?? (trace_of(response) || (body.id ?? ''))
  return new CallError(response.status, code, message, trace, body.error?.where ?? issue?.expression?.[0] ?? '', retry_after_s, issues_of(body))
}
