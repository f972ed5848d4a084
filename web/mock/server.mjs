// SPDX-License-Identifier: Apache-2.0
// A stand-in for the server, for drawing pages: the agreed interface over a few bundles, in memory, without rights or limits.
// node mock/server.mjs --port 8099 --dist dist bundle.json.gz …      (any name with the password "mock-password" enters)
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { chinese_record } from './chinese.mjs'
import { intake } from './intake.mjs'
import { rooms, system_more } from './rooms.mjs'

const words = process.argv.slice(2)
const option = (name, otherwise) => (words.includes(name) ? words.splice(words.indexOf(name), 2)[1] : otherwise)
const port = Number(option('--port', '8099'))
const dist = option('--dist', 'dist')

const store = new Map() // type → id → resource
const put = (resource) => {
  if (!store.has(resource.resourceType)) store.set(resource.resourceType, new Map())
  store.get(resource.resourceType).set(resource.id, { ...resource, meta: { ...resource.meta, versionId: '1', lastUpdated: '2026-11-22T02:00:00.000Z' } })
}
for (const resource of chinese_record()) put(resource)
for (const file of words) {
  const bytes = readFileSync(file)
  const bundle = JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'))
  const known = new Map(bundle.entry.map((entry) => [entry.fullUrl, `${entry.resource.resourceType}/${entry.resource.id}`]))
  const text = JSON.stringify(bundle.entry.map((entry) => entry.resource)).replace(/"(urn:uuid:[^"]+)"/g, (whole, urn) => (known.has(urn) ? JSON.stringify(known.get(urn)) : whole))
  for (const resource of JSON.parse(text)) put(resource)
}
const all = (type) => [...(store.get(type)?.values() ?? [])]
const pinyin = { wang: 'Wáng Guìlán' }
const fold = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
const name_of = (patient) => {
  const name = patient.name?.[0] ?? {}
  return name.text ?? [...(name.given ?? []), name.family].filter(Boolean).join(' ')
}
const cover = (value) => (value.length > 8 ? `${value.slice(0, 4)}${'*'.repeat(Math.min(10, value.length - 8))}${value.slice(-4)}` : `****${value.slice(-2)}`)
const cover_phone = (value) => value.replace(/^(.{3}).*(.{4})$/, '$1****$2')
const kind_of = (identifier) => identifier.type?.coding?.[0]?.code ?? ''
const main_identifier = (patient) => (patient.identifier ?? []).find((one) => ['NI', 'MR'].includes(kind_of(one))) ?? patient.identifier?.[0] ?? { value: '' }
const row = (patient) => ({
  id: patient.id, name: name_of(patient), pinyin: pinyin[patient.id] ?? '', sex: patient.gender ?? 'unknown', birth_date: patient.birthDate ?? '',
  deceased: Boolean(patient.deceasedDateTime ?? patient.deceasedBoolean), address: patient.address?.[0]?.text ?? [patient.address?.[0]?.line?.[0], patient.address?.[0]?.city].filter(Boolean).join(', '),
  identifier: cover(main_identifier(patient).value), phone: cover_phone(patient.telecom?.[0]?.value ?? ''),
})
const matched = (patient, q) => {
  const wanted = fold(q)
  if (fold(name_of(patient)).includes(wanted)) return 'name'
  const spelled = fold(pinyin[patient.id] ?? '')
  if (spelled && spelled.replaceAll(' ', '').startsWith(wanted.replaceAll(' ', ''))) return 'pinyin'
  if (spelled && 'wgl'.startsWith(wanted)) return 'initials'
  if (/\d{4}/.test(q) && (patient.identifier ?? []).some((one) => one.value.endsWith(q))) return 'identifier'
  if (patient.birthDate && patient.birthDate.replaceAll('-', '') === q.replaceAll('-', '')) return 'birth_date'
  return null
}
const mine = (id) => {
  const found = []
  const outside = new Set()
  for (const resources of store.values())
    for (const resource of resources.values()) {
      const text = JSON.stringify(resource)
      if ((resource.resourceType === 'Patient' && resource.id === id) || text.includes(`"Patient/${id}"`)) {
        found.push(resource)
        for (const match of text.matchAll(/"((?:Organization|Practitioner|Location)\/[^"]+)"/g)) outside.add(match[1])
      }
    }
  for (const reference of outside) {
    const [type, one] = reference.split('/')
    const resource = store.get(type)?.get(one)
    if (resource) found.push(resource)
  }
  return found
}
const text_of = (concept) => concept?.text ?? concept?.coding?.[0]?.display ?? ''
function header(patient) {
  const record = mine(patient.id)
  const counts = {}
  for (const resource of record) counts[resource.resourceType] = (counts[resource.resourceType] ?? 0) + 1
  const dates = record.flatMap((one) => [one.period?.start, one.effectiveDateTime, one.occurrenceDateTime, one.authoredOn].filter(Boolean)).sort()
  const of = (type) => record.filter((one) => one.resourceType === type)
  return {
    ...row(patient), identifiers: (patient.identifier ?? []).map((one, index) => ({ index, type: kind_of(one), system: one.system ?? '', masked: cover(one.value) })),
    phones: (patient.telecom ?? []).map((one, index) => ({ index, masked: cover_phone(one.value) })), language: patient.communication?.[0]?.language?.coding?.[0]?.code ?? '', marital: patient.maritalStatus?.coding?.[0]?.code ?? '',
    counts, first_date: dates[0] ?? null, last_date: dates.at(-1) ?? null,
    allergies: of('AllergyIntolerance').map((one) => ({ id: one.id, text: text_of(one.code), criticality: one.criticality ?? '', recorded: one.recordedDate ?? '' })),
    problems: of('Condition').map((one) => ({ id: one.id, text: text_of(one.code), since: one.onsetDateTime ?? '', active: one.clinicalStatus?.coding?.[0]?.code === 'active' })),
  }
}
const user = { name: 'doctor', display: '孙桂芳', role: 'administrator', must_change_password: false }
let signed_in = false
const looks = []
const jobs = [{ id: '1', name: 'Abdul.json.gz', state: 'done', read: 252, stored: 250, unchanged: 0, rejected: 2, bytes: 41233, bytes_done: 41233, created_at: '2026-11-22T01:59:02Z', started_at: '2026-11-22T01:59:02Z', finished_at: '2026-11-22T01:59:03Z', per_second: 2520, error: null }]
/** An import that takes eight seconds and stores nothing: enough to draw its progress. */
function begin_job(name, bytes) {
  const job = { ...jobs[0], id: String(jobs.length + 1), name, state: 'running', read: 0, stored: 0, rejected: 0, bytes, bytes_done: 0, created_at: new Date().toISOString(), started_at: new Date().toISOString(), finished_at: null }
  jobs.unshift(job)
  const timer = setInterval(() => {
    if (job.state !== 'running') return clearInterval(timer)
    job.bytes_done = Math.min(bytes, job.bytes_done + bytes / 16)
    job.read = job.stored += 40
    if (job.bytes_done >= bytes) Object.assign(job, { state: 'done', finished_at: new Date().toISOString() })
  }, 500)
  return job
}
const started = Date.now()

const send = (response, status, value, type = 'application/json') => {
  const body = value === undefined ? '' : Buffer.isBuffer(value) ? value : JSON.stringify(value)
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' })
  response.end(body)
}
const fail = (response, status, code, message) => send(response, status, { error: { code, where: '', message, trace: '4bf92f3577b34da6a3ce929d0e0e4736' } })
const bundle = (entries, total, next) => ({ resourceType: 'Bundle', type: 'searchset', total, link: next ? [{ relation: 'next', url: next }] : [], entry: entries.map((resource) => ({ fullUrl: `http://localhost/fhir/${resource.resourceType}/${resource.id}`, resource })) })

async function body_of(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}
function fhir(response, path, query) {
  const json = 'application/fhir+json'
  const everything = /^\/fhir\/Patient\/([^/]+)\/\$everything$/.exec(path)
  const count = Number(query.get('_count') ?? 20)
  const from = Number(query.get('_offset') ?? 0)
  if (everything) {
    const types = query.get('_type')?.split(',')
    const found = mine(everything[1]).filter((one) => !types || types.includes(one.resourceType))
    query.set('_offset', String(from + count))
    return send(response, 200, bundle(found.slice(from, from + count), found.length, from + count < found.length ? `${path}?${query}` : null), json)
  }
  const [, , type, id] = path.split('/')
  if (type === 'metadata') return send(response, 200, { resourceType: 'CapabilityStatement', status: 'active', kind: 'instance', fhirVersion: '4.0.1', format: ['json'], rest: [{ mode: 'server', resource: [...store.keys()].sort().map((one) => ({ type: one, searchParam: [{ name: '_id', type: 'token' }, { name: '_lastUpdated', type: 'date' }, ...(one === 'Patient' ? [{ name: 'name', type: 'string' }, { name: 'gender', type: 'token' }, { name: 'birthdate', type: 'date' }] : [])] })) }] }, json)
  if (id) {
    const resource = store.get(type)?.get(id)
    const versions = () => ({ resourceType: 'Bundle', type: 'history', total: 1, entry: [{ fullUrl: `http://localhost/fhir/${type}/${id}`, resource, request: { method: 'PUT', url: `${type}/${id}` }, response: { status: '201 Created', etag: 'W/"1"', lastModified: resource.meta.lastUpdated } }] })
    if (resource) response.setHeader('ETag', 'W/"1"')
    return resource ? send(response, 200, path.endsWith('_history') ? versions() : Buffer.from(JSON.stringify(resource, null, query.get('_pretty') ? 2 : 0)), json) : send(response, 404, { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'not-found', diagnostics: 'no such resource' }] }, json)
  }
  const found = all(type).filter((one) => [...query].every(([name, value]) => (name === 'gender' ? one.gender === value : name.startsWith('name') ? fold(name_of(one)).includes(fold(value)) : name === 'birthdate' ? (value.startsWith('ge') ? one.birthDate >= value.slice(2) : value.startsWith('le') ? one.birthDate <= value.slice(2) : one.birthDate === value) : true)))
  query.set('_offset', String(from + count))
  return send(response, 200, bundle(found.slice(from, from + count), found.length, from + count < found.length ? `${path}?${query}` : null), json)
}
async function answer(request, response) {
  const url = new URL(request.url, 'http://localhost')
  const path = decodeURIComponent(url.pathname)
  const query = url.searchParams
  if (path === '/auth/login') {
    const given = JSON.parse((await body_of(request)).toString() || '{}')
    if (given.password !== 'mock-password') return fail(response, 401, 'login', 'wrong')
    signed_in = true
    return send(response, 200, { user, csrf: 'mock' })
  }
  if (path === '/auth/logout') return (signed_in = false), send(response, 204)
  if (path === '/auth/me') return signed_in ? send(response, 200, { user, csrf: 'mock' }) : fail(response, 401, 'login', '')
  if (path.startsWith('/fhir/') || path.startsWith('/api/')) {
    if (!signed_in) return fail(response, 401, 'login', '')
    const found = (await intake(path, request, query, body_of)) ?? (await rooms(path, request, query, body_of, all))
    if (found) return send(response, found.status, found.value, found.type)
    if (path.startsWith('/fhir/')) return fhir(response, path, query)
  }
  if (path === '/api/v1/people') {
    const q = (query.get('q') ?? '').trim()
    const count = Number(query.get('count') ?? 20)
    const from = Number(query.get('after') ?? 0)
    const found = all('Patient').flatMap((patient) => {
      const why = q ? matched(patient, q) : 'name'
      return why ? [{ ...row(patient), matched: why }] : []
    })
    return send(response, 200, { total: found.length, took_ms: 0.8, population: all('Patient').length, people: found.slice(from, from + count), next: from + count < found.length ? String(from + count) : null })
  }
  const person = /^\/api\/v1\/people\/([^/]+)(?:\/(\w+))?$/.exec(path)
  if (person) {
    const patient = store.get('Patient')?.get(person[1])
    if (!patient) return fail(response, 404, 'missing', 'no such person')
    if (!person[2]) return looks.unshift({ at: new Date().toISOString(), who: user.display, role: user.role, what: 'read', purpose: 'treatment', person: person[1] }), send(response, 200, header(patient))
    if (person[2] === 'reveal') {
      const given = JSON.parse((await body_of(request)).toString())
      looks.unshift({ at: new Date().toISOString(), who: user.display, role: user.role, what: 'reveal', purpose: 'treatment', person: person[1] })
      return send(response, 200, { value: (given.field === 'phone' ? patient.telecom : patient.identifier)[given.index].value })
    }
    if (person[2] === 'accesses') {
      const found = looks.filter((look) => look.person === person[1])
      return send(response, 200, { total: found.length, accesses: found.slice(0, Number(query.get('count') ?? 20)) })
    }
    if (person[2] === 'printed') return send(response, 204)
  }
  if (path === '/api/v1/types') {
    const types = [...store].map(([type, resources]) => ({ type, count: resources.size, last_updated: '2026-11-22T02:00:00.000Z' }))
    return send(response, 200, { types, total: types.reduce((sum, type) => sum + type.count, 0) })
  }
  if (path === '/api/v1/system') {
    const history = Array.from({ length: 60 }, (_, i) => ({ at: new Date(Date.now() - (59 - i) * 5000).toISOString(), writes_per_s: Math.max(0, 900 * Math.sin(i / 9)), reads_per_s: 40 + 30 * Math.sin(i / 4) }))
    return send(response, 200, { version: '0.1.0', built: '2026-11-22', started_at: new Date(started).toISOString(), uptime_s: (Date.now() - started) / 1000, store: 'sqlite', data_bytes: 48_300_000, wal_bytes: 4_100_000, disk_free_bytes: 210e9, memory_bytes: 96e6, resources: 16956, versions: 17002, feed_position: 17002, writes_per_s: 312.4, reads_per_s: 42.1, requests_total: 128406, p50_ms: 0.6, p99_ms: 8.2, queue: 0, checks: [{ name: 'writer', status: 'good', detail: '' }, { name: 'disk', status: 'warning', detail: '91 %' }], history, ...system_more })
  }
  if (path === '/api/v1/imports' && request.method === 'GET') return send(response, 200, { imports: jobs })
  if (path === '/api/v1/imports') return send(response, 202, { id: begin_job(query.get('name') ?? 'file.json', (await body_of(request)).length).id })
  const job = /^\/api\/v1\/imports\/(\d+)\/(cancel|rejected)$/.exec(path)
  if (job) {
    const found = jobs.find((one) => one.id === job[1])
    if (!found) return fail(response, 404, 'missing', 'no such import')
    if (job[2] === 'rejected') return send(response, 200, Buffer.from('{"line":12,"reason":"Observation.status: is required","resource":{}}\n{"line":40,"reason":"Observation.status: is required","resource":{}}\n'), 'application/x-ndjson')
    return Object.assign(found, { state: 'cancelled', finished_at: new Date().toISOString() }), send(response, 204)
  }
  if (path.startsWith('/api/')) return fail(response, 404, 'missing', 'not in the stand-in')
  const wanted = normalize(join(dist, path))
  const file = wanted.startsWith(normalize(dist)) && existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(dist, 'index.html')
  if (path === '/api/v1/events') return response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' })
  return createReadStream(file).pipe(response)
}
createServer((request, response) => {
  answer(request, response).catch((problem) => fail(response, 500, 'server', String(problem)))
}).listen(port, '127.0.0.1', () => console.log(`stand-in on http://127.0.0.1:${port}, ${all('Patient').length} people`))
