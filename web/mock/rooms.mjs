// SPDX-License-Identifier: Apache-2.0
// The stand-in's views, terminology, validation, exports, explain plan and past: enough to draw the pages.

const now = Date.now()
const ago = (ms) => new Date(now - ms).toISOString()
const column = (path, name, type = 'string', description = '') => ({ path, name, type, description })
const definition = (name, title, resource, columns) => ({ resourceType: 'ViewDefinition', name, title, status: 'active', resource, select: [{ column: columns }] })
const views = new Map()
const add_view = (view, more) => views.set(view.name, { definition: view, name: view.name, title: view.title ?? '', resource: view.resource, origin: 'built in', state: 'ready', materialized: true, rows: 0, columns: 0, position: 17002, lag_positions: 0, lag_ms: 0, bytes: 0, built_at: ago(7.2e6), error: null, ...more })
add_view(definition('patient_demographics', '居民基本信息', 'Patient', [column('getResourceKey()', 'id'), column('gender', 'gender'), column('birthDate', 'birth_date', 'date')]), { rows: 117, columns: 12, bytes: 65536 })
add_view(definition('blood_pressure', '血压', 'Observation', [column('getResourceKey()', 'id'), column('subject.getReferenceKey(Patient)', 'patient_id')]), { rows: 2206, columns: 9, bytes: 524288, lag_positions: 3, lag_ms: 210 })
add_view(definition('encounter_flat', '就诊', 'Encounter', [column('getResourceKey()', 'id'), column('period.start', 'started_at')]), { rows: 6012, columns: 14, bytes: 1441792, state: 'building', lag_positions: 5120, lag_ms: 4100 })
add_view(definition('my_conditions', '', 'Condition', [column('getResourceKey()', 'id')]), { origin: 'saved', rows: 0, columns: 3, state: 'failed', bytes: 0, error: 'select[0].column[2].path: the function nope() is not known' })
add_view(definition('immunization_by_month', '按月接种', 'Immunization', [column('getResourceKey()', 'id'), column('occurrence.ofType(dateTime)', 'given_at', 'dateTime')]), { origin: 'saved', rows: 1602, columns: 4, bytes: 262144 })

const dig = (value, path) => {
  if (path.startsWith('getResourceKey')) return value.id
  const [head, ...rest] = path.replace(/\.getReferenceKey\(.*\)/, '.reference').replace(/\.ofType\((\w)(\w*)\)/g, (_, a, b) => a.toUpperCase() + b).replace(/\.first\(\)/g, '').replace(/\.where\(.*?\)/g, '').split('.')
  const inner = value?.[head]
  const one = Array.isArray(inner) ? inner[0] : inner
  return rest.length && one !== undefined ? dig(one, rest.join('.')) : one
}
function run(view, all) {
  const columns = []
  const parts = (view.select ?? []).flatMap((select) => (select.column ?? []).map((one) => ({ ...one, path: [select.forEach ?? select.forEachOrNull, one.path].filter(Boolean).join('.') })))
  for (const [at, one] of parts.entries()) {
    if (/nope/.test(one.path)) return { refused: { code: 'invalid', where: `select[0].column[${at}].path`, message: 'the function nope() is not known; first(), where(), exists() and others are' } }
    columns.push({ name: one.name, type: one.type ?? 'string', description: one.description ?? '' })
  }
  const resources = all(view.resource)
  return { columns, rows: resources.slice(0, 100).map((resource) => parts.map((one) => { const found = dig(resource, one.path); return found === undefined ? null : typeof found === 'object' ? JSON.stringify(found) : found })), took_ms: 12.4, resources_read: Math.min(100, resources.length), truncated: resources.length > 100 }
}

const systems = [
  { url: 'http://hl7.org/fhir/sid/icd-10', name: 'ICD10CN', title: '疾病分类与代码国家临床版', title_en: 'ICD-10, clinical edition of China', version: '2.0', versions: ['2.0', '1.1'], count: 33304, hierarchical: true, languages: ['zh-CN'], source: 'CHS-DRG 1.1 分组方案附表', in_force_from: '2020-01-01', in_force_to: null },
  { url: 'urn:oid:2.16.840.1.113883.6.104', name: 'ICD9CM3', title: '手术操作分类代码国家临床版', title_en: 'ICD-9-CM-3, clinical edition of China', version: '3.0', versions: ['3.0'], count: 13002, hierarchical: true, languages: ['zh-CN'], source: 'CHS-DRG 1.1 分组方案附表', in_force_from: '2020-01-01', in_force_to: null },
  { url: 'urn:cn:gbt-2261.1', name: 'GBT2261_1', title: '人的性别代码', title_en: 'Sex of a person', version: '2003', versions: ['2003'], count: 4, hierarchical: false, languages: ['zh-CN', 'en'], source: 'GB/T 2261.1—2003', in_force_from: '2003-12-01', in_force_to: null },
  { url: 'urn:cn:notifiable-disease', name: 'NotifiableDisease', title: '法定传染病', title_en: 'Notifiable diseases', version: '2024', versions: ['2024', '2022'], count: 41, hierarchical: true, languages: ['zh-CN', 'en'], source: '传染病防治法', in_force_from: '2024-01-01', in_force_to: '2026-12-31' },
]
const concept = (code, display, parents = [], children = 0, pinyin = '', display_en = null) => ({ code, display, display_en, pinyin, children, parents, active: code !== 'A99' })
const concepts = [
  concept('A00-B99', '某些传染病和寄生虫病', [], 4, 'Mǒuxiē chuánrǎnbìng hé jìshēngchóngbìng'), concept('C00-D48', '肿瘤', [], 2, 'Zhǒngliú'), concept('E00-E90', '内分泌、营养和代谢疾病', [], 2, 'Nèifēnmì yíngyǎng hé dàixiè jíbìng'), concept('I00-I99', '循环系统疾病', [], 3, 'Xúnhuán xìtǒng jíbìng'), concept('A99', '停用的病', [], 0, 'Tíngyòng de bìng'),
  concept('I10', '特发性（原发性）高血压', ['I00-I99'], 4, 'Tèfāxìng yuánfāxìng gāoxuèyā', 'Essential (primary) hypertension'), concept('I11', '高血压性心脏病', ['I00-I99'], 0, 'Gāoxuèyāxìng xīnzàngbìng', 'Hypertensive heart disease'), concept('I21', '急性心肌梗死', ['I00-I99'], 0, 'Jíxìng xīnjī gěngsǐ', 'Acute myocardial infarction'),
  concept('I10.x00', '原发性高血压', ['I10'], 0, 'Yuánfāxìng gāoxuèyā'), concept('I10.x02', '高血压病 1 级', ['I10'], 0, 'Gāoxuèyābìng'), concept('I10.x03', '高血压病 2 级', ['I10'], 0, 'Gāoxuèyābìng'), concept('I10.x04', '高血压病 3 级', ['I10'], 0, 'Gāoxuèyābìng'),
  concept('E11', '2 型糖尿病', ['E00-E90'], 0, 'Tángniàobìng', 'Type 2 diabetes mellitus'), concept('E10', '1 型糖尿病', ['E00-E90'], 0, 'Tángniàobìng', 'Type 1 diabetes mellitus'), concept('A00', '霍乱', ['A00-B99'], 0, 'Huòluàn', 'Cholera'), concept('A15', '呼吸道结核', ['A00-B99'], 0, 'Hūxīdào jiéhé'), concept('C34', '支气管和肺恶性肿瘤', ['C00-D48'], 0, 'Zhīqìguǎn hé fèi èxìng zhǒngliú'),
]
const fold = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
const initials = (pinyin) => fold(pinyin).split(/\s+/).map((word) => word.replace(/([bpmfdtnlgkhjqxzcsryw])h?[aeiouv]+(?:ng|n|r)?/g, '$1')).join('')
const matched = (one, q) => (one.code.toLowerCase().startsWith(q) ? 'code' : fold(one.display).includes(q) || fold(one.display_en ?? '').includes(q) ? 'text' : fold(one.pinyin).replaceAll(' ', '').includes(q.replaceAll(' ', '')) ? 'pinyin' : initials(one.pinyin).includes(q) ? 'initials' : null)

const jobs = [
  { id: '3', state: 'failed', level: 'group', types: ['Patient'], since: null, position: 17002, resources: 40, resources_total: 812, bytes: 18211, files: 1, started_at: ago(3.6e6), finished_at: ago(3.59e6), per_second: 4000, by: 'admin', error: '磁盘满了：写 /data/export/3/Patient.0.ndjson.gz 时空间不够' },
  { id: '2', state: 'done', level: 'patient', types: ['Patient', 'Observation', 'Condition'], since: '2026-11-01T00:00:00Z', position: 17002, resources: 9120, resources_total: 9120, bytes: 1411002, files: 3, started_at: ago(8.6e7), finished_at: ago(8.599e7), per_second: 104000, by: 'admin', error: null },
  { id: '1', state: 'cancelled', level: 'system', types: [], since: null, position: 16000, resources: 4100, resources_total: 16956, bytes: 500123, files: 2, started_at: ago(9e7), finished_at: ago(8.99e7), per_second: 91000, by: 'admin', error: null },
]
const outputs = (job) => (job.types.length ? job.types : ['Patient', 'Encounter', 'Observation']).map((type, at) => ({ type, url: `/fhir/bulk/${job.id}/${type}.0.ndjson.gz`, count: Math.round(job.resources / (at + 2)), bytes: Math.round(job.bytes / (at + 2)) }))
function begin(given) {
  const job = { ...jobs[1], ...given, id: String(jobs.length + 1), state: 'running', resources: 0, resources_total: 16956, bytes: 0, files: 1, started_at: new Date().toISOString(), finished_at: null, error: null, since: given.since || null }
  jobs.unshift(job)
  const timer = setInterval(() => {
    if (job.state !== 'running') return clearInterval(timer)
    job.resources = Math.min(16956, job.resources + 1400)
    job.bytes = job.resources * 160
    if (job.resources === 16956) Object.assign(job, { state: 'done', finished_at: new Date().toISOString() })
  }, 500)
  return { id: job.id }
}
const issue = (severity, code, expression, text, key) => ({ severity, code, expression: [expression], diagnostics: text, details: { coding: [{ system: 'urn:xinglin:validation', code: key }] } })
function validate(resource) {
  const issues = []
  if (resource.resourceType === 'Patient') {
    if (!resource.gender) issues.push(issue('error', 'required', 'Patient.gender', '缺性别，要填 male、female、other 或 unknown', 'min'))
    else if (!['male', 'female', 'other', 'unknown'].includes(resource.gender)) issues.push(issue('error', 'code-invalid', 'Patient.gender', `“${resource.gender}”不在值集 administrative-gender 里`, 'binding'))
    resource.name?.forEach((name, at) => !name.family && issues.push(issue('warning', 'business-rule', `Patient.name[${at}]`, '姓名没有写姓', 'invariant:cn-name-1')))
    if (resource.birthDate && !/^\d{4}(-\d\d){0,2}$/.test(resource.birthDate)) issues.push(issue('error', 'value', 'Patient.birthDate', '日期写成 1959-03-12', 'type'))
  }
  return { resourceType: 'OperationOutcome', issue: issues.length ? issues : [{ severity: 'information', code: 'informational', diagnostics: '没有问题' }] }
}
const step = (id, parent, kind, words, parameter, estimate, touched, kept, took_ms) => ({ id, parent, kind, words, parameter, estimate, touched, kept, took_ms })
const plan = { total: 318, returned: 50, took_ms: 4.21, steps: [
  step(0, null, 'page', 'the first 50, newest first', '_count', null, 50, 50, 0.11), step(1, 0, 'sort', 'by date, descending, read from the index', '_sort', null, 318, 318, 0.42),
  step(2, 1, 'confirm', 'read each body and check it', '', null, 341, 318, 1.93), step(3, 2, 'intersect', 'what is in all of them', '', 340, 1502, 341, 0.2),
  step(4, 3, 'postings', 'entries of the code 8480-6', 'code', 2206, 2206, 2206, 0.31), step(5, 3, 'range', 'dates from 2020-01-01', 'date', 7100, 7044, 7044, 0.82), step(6, 3, 'chain', 'subjects whose address begins with Boston', 'subject:Patient.address', 61, 61, 61, 0.4), step(7, 6, 'postings', 'addresses from "boston"', 'address', 61, 61, 61, 0.09),
] }
const days = [['2026-02-03', 118, 400], ['2026-03-11', 4, 2100], ['2026-05-20', 12, 5210], ['2026-06-15', 31, 7004], ['2026-06-26', 9, 7800], ['2026-08-07', 3, 11020], ['2026-09-28', 5, 13400], ['2026-11-06', 7, 16100], ['2026-11-20', 2, 17002]]

/** Answers what belongs to these rooms; false when it is nobody's here. */
export async function rooms(path, request, query, body_of, all) {
  const method = request.method
  const text = async () => (await body_of(request)).toString()
  const ok = (value, status = 200, type) => ({ status, value, type })
  const bad = (status, code, message, where = '') => ({ status, value: { error: { code, where, message, trace: '4bf92f3577b34da6a3ce929d0e0e4736' } } })
  if (path === '/api/v1/views') return ok({ views: [...views.values()].map(({ definition: _, ...rest }) => rest) })
  if (path === '/api/v1/views/run') {
    const result = run(JSON.parse(await text()).view, all)
    return result.refused ? bad(422, result.refused.code, result.refused.message, result.refused.where) : ok(result)
  }
  const view = /^\/api\/v1\/views\/([^/]+)(?:\/(rows|rebuild))?$/.exec(path)
  if (view) {
    const held = views.get(view[1])
    if (method === 'PUT') {
      const given = JSON.parse(await text())
      add_view(given, { origin: 'saved', state: 'building', columns: given.select?.[0]?.column?.length ?? 0, rows: 0 })
      setTimeout(() => Object.assign(views.get(given.name), { state: 'ready', rows: all(given.resource).length }), 2500)
      return ok(views.get(given.name), held ? 200 : 201)
    }
    if (!held) return bad(404, 'not-found', 'there is no such view')
    if (method === 'DELETE') return views.delete(view[1]), ok(undefined, 204)
    if (view[2] === 'rebuild') return (held.state = 'building'), setTimeout(() => (held.state = 'ready'), 2500), ok({}, 202)
    if (view[2] === 'rows') {
      const result = run(held.definition, all)
      const from = Number(query.get('after') ?? 0)
      return ok({ columns: result.columns, rows: result.rows.slice(from, from + 50), next: from + 50 < result.rows.length ? String(from + 50) : null, total: result.rows.length })
    }
    return ok(held)
  }
  if (path === '/api/v1/terminology/systems') return ok({ systems })
  if (path === '/api/v1/terminology/value-sets') return ok({ value_sets: [{ url: 'urn:cn:vs:sex', name: 'sex', title: '性别', version: '2003', count: 4 }, { url: 'urn:cn:vs:circulatory', name: 'circulatory', title: '循环系统疾病', version: '2.0', count: null }] })
  if (path === '/api/v1/terminology/maps') return ok({ maps: [{ url: 'urn:cn:map:sex', title: '性别对照 FHIR', source: 'urn:cn:gbt-2261.1', target: 'http://hl7.org/fhir/administrative-gender', count: 4 }] })
  if (path === '/api/v1/terminology/concepts') {
    const q = fold((query.get('q') ?? '').trim())
    const parent = query.get('parent')
    const found = q ? concepts.flatMap((one) => { const why = matched(one, q); return why ? [{ ...one, matched: why }] : [] }) : concepts.filter((one) => (parent ? one.parents.includes(parent) : one.parents.length === 0))
    return ok({ total: found.length, took_ms: 0.8, concepts: found.slice(Number(query.get('offset') ?? 0), Number(query.get('offset') ?? 0) + Number(query.get('count') ?? 50)) })
  }
  const code = /^\/api\/v1\/terminology\/concepts\/(.+)$/.exec(path)
  if (code) {
    const one = concepts.find((each) => each.code === code[1])
    if (!one) return bad(404, 'not-found', 'this system has no such code', 'code')
    return ok({ system: systems[0].url, version: '2.0', code: one.code, display: one.display, designations: [{ language: 'zh-CN', use: 'preferred', value: one.display }, ...(one.display_en ? [{ language: 'en', use: 'synonym', value: one.display_en }] : []), { language: 'zh-Latn-pinyin', use: 'pinyin', value: one.pinyin }], properties: [{ code: 'chapter', value: 'IX' }, { code: 'status', value: 'active' }], parents: one.parents.map((each) => ({ code: each, display: concepts.find((other) => other.code === each)?.display ?? '' })), children: one.children, maps: one.code === 'I10' ? [{ map: '医保对照', target_system: 'urn:cn:yb', target_code: 'I10.x', display: '高血压', equivalence: 'wider' }] : [] })
  }
  if (path === '/api/v1/terminology/editions') {
    const lines = (await text()).split('\n')
    const wrong = lines.findIndex((line, at) => at > 0 && line.startsWith(','))
    return wrong > 0 ? bad(422, 'invalid', 'the code is empty', `line ${wrong + 1}, column 1`) : ok({ system: query.get('system'), version: query.get('version'), count: lines.length - 1 }, 201)
  }
  if (path === '/fhir/ValueSet/$expand') {
    const q = fold(query.get('filter') ?? '')
    const found = concepts.filter((one) => one.code.startsWith('I1') && (!q || matched(one, q)))
    return ok({ resourceType: 'ValueSet', status: 'active', expansion: { timestamp: ago(0), total: found.length, contains: found.map((one) => ({ system: systems[0].url, code: one.code, display: one.display })) } }, 200, 'application/fhir+json')
  }
  if (path === '/fhir/ConceptMap/$translate') return ok({ resourceType: 'Parameters', parameter: [{ name: 'result', valueBoolean: query.get('code') === '1' }, ...(query.get('code') === '1' ? [{ name: 'match', part: [{ name: 'equivalence', valueCode: 'equivalent' }, { name: 'concept', valueCoding: { system: 'http://hl7.org/fhir/administrative-gender', code: 'male', display: 'Male' } }] }] : [])] }, 200, 'application/fhir+json')
  if (path === '/api/v1/profiles') return ok({ profiles: [{ url: 'urn:cn:profile:patient', name: 'CnPatient', title: '居民', title_en: 'Resident', type: 'Patient', version: '1.0', status: 'active', origin: 'built in', must_support: 9 }, { url: 'urn:cn:profile:bp', name: 'CnBloodPressure', title: '血压', title_en: 'Blood pressure', type: 'Observation', version: '1.0', status: 'active', origin: 'built in', must_support: 6 }] })
  if (/^\/fhir\/[A-Z]\w*(\/[^/]+)?\/\$validate$/.test(path)) return ok(validate(JSON.parse((await text()) || '{}')), 200, 'application/fhir+json')
  if (path === '/api/v1/explain') return ok(plan)
  if (path === '/api/v1/exports') return method === 'POST' ? ok(begin(JSON.parse(await text())), 202) : ok({ exports: jobs })
  const job = /^\/api\/v1\/exports\/(\w+)(\/cancel)?$/.exec(path)
  if (job) {
    const held = jobs.find((one) => one.id === job[1])
    if (!held) return bad(404, 'not-found', 'there is no such export')
    if (job[2]) return Object.assign(held, { state: 'cancelled', finished_at: new Date().toISOString() }), ok(undefined, 204)
    if (method === 'DELETE') return jobs.splice(jobs.indexOf(held), 1), ok(undefined, 204)
    return ok({ ...held, outputs: held.state === 'done' ? outputs(held) : [] })
  }
  if (/^\/api\/v1\/people\/[^/]+\/timeline$/.test(path)) return ok({ first_at: `${days[0][0]}T01:00:00Z`, last_at: `${days.at(-1)[0]}T08:00:00Z`, days: days.map(([date, versions, position]) => ({ date, versions, position })) })
  if (path === '/api/v1/backups') return ok({}, 202)
  const type = /^\/api\/v1\/types\/([\w.]+)\/elements$/.exec(path)
  if (type) return ok({ type: type[1], kind: 'resource', elements: elements[type[1]] ?? [] })
  return null
}
const element = (name, max, ...types) => ({ name, min: 0, max, choice: types.length > 1, types: types.map((one) => ({ name: one, kind: /^[a-z]/.test(one) ? 'primitive' : one.includes('.') ? 'backbone' : 'complex', targets: one === 'Reference' ? ['Organization'] : [] })) })
const elements = {
  Patient: [element('id', 1, 'id'), element('identifier', null, 'Identifier'), element('active', 1, 'boolean'), element('name', null, 'HumanName'), element('telecom', null, 'ContactPoint'), element('gender', 1, 'code'), element('birthDate', 1, 'date'), element('deceased', 1, 'boolean', 'dateTime'), element('address', null, 'Address'), element('maritalStatus', 1, 'CodeableConcept'), element('contact', null, 'Patient.contact'), element('managingOrganization', 1, 'Reference')],
  HumanName: [element('use', 1, 'code'), element('text', 1, 'string'), element('family', 1, 'string'), element('given', null, 'string')],
  CodeableConcept: [element('coding', null, 'Coding'), element('text', 1, 'string')],
  Coding: [element('system', 1, 'uri'), element('code', 1, 'code'), element('display', 1, 'string')],
}

/** What the system page shows beside the figures of the record. */
export const system_more = {
  latency: [{ kind: 'read', count: 98211, p50_ms: 0.4, p90_ms: 1.1, p99_ms: 4.2, max_ms: 88 }, { kind: 'search', count: 22041, p50_ms: 3.1, p90_ms: 12, p99_ms: 61, max_ms: 410 }, { kind: 'write', count: 8120, p50_ms: 1.6, p90_ms: 4.4, p99_ms: 19, max_ms: 120 }, { kind: 'other', count: 34, p50_ms: 0.2, p90_ms: 0.9, p99_ms: 2, max_ms: 3 }],
  views: [{ name: 'encounter_flat', lag_positions: 5120, lag_ms: 4100, rows: 6012 }, { name: 'people', lag_positions: 0, lag_ms: 0, rows: 117 }, { name: 'blood_pressure', lag_positions: 3, lag_ms: 210, rows: 2206 }],
  storage: [{ type: 'Observation', resources: 7044, versions: 7100, bytes: 12_400_000 }, { type: 'Encounter', resources: 6012, versions: 6012, bytes: 6_100_000 }, { type: 'Patient', resources: 117, versions: 163, bytes: 800_000 }],
  tables: [{ name: 'record_version', bytes: 31_000_000 }, { name: 'search_token', bytes: 9_400_000 }, { name: 'feed', bytes: 700_000 }],
  backups: [{ at: ago(3.6e6), folder: '2026-11-22T01-00', bytes: 4_100_000, kind: 'differential', seconds: 1.2, verified: true }, { at: ago(9e7), folder: '2026-11-21T01-00', bytes: 44_000_000, kind: 'full', seconds: 8.1, verified: false }],
  processes: [{ name: 'api-1', started_at: ago(9e6), last_seen_at: ago(2000) }, { name: 'api-2', started_at: ago(9e6), last_seen_at: ago(61_000) }],
}
