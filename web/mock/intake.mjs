// SPDX-License-Identifier: Apache-2.0
// The stand-in's intake: a district's feeds, their messages, the error queue, the ledger, and what the wall shows of them.

import { readFileSync } from 'node:fs'

const now = () => Date.now()
const iso = (ms) => new Date(ms).toISOString()
const day_shape = [2, 1, 1, 1, 2, 5, 22, 70, 96, 100, 88, 62, 40, 66, 82, 78, 60, 34, 22, 18, 14, 10, 6, 3]
const names = [
  ['liuhe-his', '柳河医院 HIS', 'mllp', 'hl7v2', 420], ['renhe-lis', '仁和医院检验', 'mllp', 'hl7v2', 180], ['wangshan', '望山镇卫生院', 'http', 'fhir', 60], ['yulin-clinic', '榆林村卫生室', 'folder', 'csv:village-visits', 8],
  ['shuangquan', '双泉镇卫生院', 'http', 'fhir', 90], ['district-hospital', '山海关人民医院', 'mllp', 'hl7v2', 640], ['central-docs', '市中心医院共享文档', 'http', 'cda', 210], ['cdc-lab', '区疾控中心实验室', 'http', 'fhir', 40],
  ['mch', '区妇幼保健院', 'mllp', 'hl7v2', 120], ['ems-120', '120 急救中心', 'http', 'fhir', 25], ['kiosks', '自助血压点 46 处', 'http', 'fhir', 130], ['pharmacies', '益康大药房 31 家', 'folder', 'xlsx:pharmacy-sales', 30],
  ['schools', '学校晨检 18 所', 'folder', 'xlsx:school-absence', 18], ['tcm', '中医医院 HIS', 'mllp', 'hl7v2', 150], ['first-community', '古城社区卫生服务中心', 'http', 'fhir', 75], ['blood', '中心血站', 'folder', 'csv:blood-donations', 6],
]
const places = [[119.755, 39.978], [119.77, 40.002], [119.72, 40.05], [119.68, 40.078], [119.80, 40.01], [119.776, 39.99], [119.749, 39.966], [119.763, 39.972], [119.742, 39.985], [119.79, 39.975], [119.81, 40.03], [119.767, 39.995], [119.73, 39.99], [119.755, 40.02], [119.74, 40.0], null]
const states = ['ok', 'silent', 'silent', 'late', 'failing']
const settings = { offset_minutes: 480, encoding: '', senders: ['HIS^LH'], path: '', acknowledge: 'received', order: 'sent', keep_ids: false, per_minute: 0, message_bytes: 16777216, raw_days: 365, clock_minutes: 60, late: 3, silent: 8, failing: 0.2 }
const random = (seed) => {
  let x = seed * 2654435761 % 4294967296
  return () => ((x = (x * 1664525 + 1013904223) % 4294967296) / 4294967296)
}
function hours_of(index, days) {
  const next = random(index + 7)
  const peak = names[index][4]
  const begin = new Date()
  begin.setMinutes(0, 0, 0)
  return Array.from({ length: days * 24 }, (_, i) => {
    const at = new Date(begin.getTime() - (days * 24 - 1 - i) * 3.6e6)
    const expected = (peak * day_shape[at.getHours()]) / 100
    const quiet = states[index] === 'silent' && i >= days * 24 - 3
    const received = quiet ? 0 : Math.round(expected * (0.8 + 0.4 * next()))
    const rejected = Math.round(received * (index === 4 ? 0.06 : 0.004) * next())
    const duplicate = Math.round(received * 0.01 * next())
    return { at: at.toISOString(), received, stored: received - rejected - duplicate, rejected, duplicate, expected: index === 15 ? null : Math.round(expected * 10) / 10 }
  })
}
const sum = (hours, name) => hours.reduce((all, hour) => all + hour[name], 0)
const sources = names.map(([id, name, kind, format, peak], index) => {
  const hours = hours_of(index, 2)
  const today = hours.filter((hour) => new Date(hour.at).toDateString() === new Date().toDateString())
  const counts = (list) => ({ received: sum(list, 'received'), stored: sum(list, 'stored'), rejected: sum(list, 'rejected'), duplicate: sum(list, 'duplicate') })
  const state = states[index] ?? 'ok'
  return {
    id, name, kind, format, organization: index % 3 ? '' : `org-${id}`, state, paused: false, why: state === 'silent' ? 'nothing has come for 3 hours; 150 messages were expected' : state === 'failing' ? '6 % of the messages of the last hour were rejected' : '',
    last_at: iso(now() - (state === 'silent' ? (index === 1 ? 2.4e6 : 1.15e7) : state === 'late' ? 2e6 : 4000 * (index + 1))), ...counts(hours), waiting: index === 5 ? 3 : 0, today: counts(today), latency_ms: state === 'silent' ? null : { p50: 4 + index, p99: 30 + 70 * index }, expected_hour: index === 15 ? null : (peak * day_shape[new Date().getHours()]) / 100, this_hour: hours.at(-1).received, settings: { ...settings }, clock_wrong: false,
  }
})
const raw = (n, bad) => `MSH|^~\\&|HIS|LIUHE|XINGLIN|DISTRICT|2026112214${String(n % 60).padStart(2, '0')}30||ADT^A04^ADT_A01|LH${100200 + n}|P|2.4|||AL|NE|CHN|UTF-8\rEVN|A04|20261122143000\rPID|1||${88000 + n}^^^LIUHE^MR~210303${bad ? '19790231' : '19790228'}042${n % 10}^^^CN^NI||张^建军||${bad ? '19790231' : '19790228'}|M|||柳河路 ${n} 号^^山海关区^河北省||138${String(10000000 + n)}\rPV1|1|O|内科门诊^^^LIUHE||||0131^李^静||||||||||||V${5000 + n}|||||||||||||||||||||||||20261122142500\rDG1|1|I10|I10.x00^原发性高血压^ICD10CN||20261122|F\rZPI|1|基层签约|是\r`
const messages = Array.from({ length: 160 }, (_, i) => {
  const index = i % 7 === 3 ? 4 : i % names.length
  const state = i % 23 === 4 ? 'rejected' : i % 31 === 6 ? 'duplicate' : i === 0 ? 'waiting' : i % 53 === 9 ? 'ignored' : 'stored'
  const kind = { hl7v2: ['ADT^A04', 'ORU^R01', 'ORM^O01', 'ADT^A08'][i % 4], cda: 'WS/T 500.7', fhir: 'Bundle', csv: 'village-visits', xlsx: 'pharmacy-sales' }[names[index][3].split(':')[0]]
  const at = now() - i * 47_000
  return { id: String(9000 - i), source: names[index][0], kind, control_id: `LH${100200 + i}`, state, received_at: iso(at), sent_at: iso(at - 1500), stored_at: state === 'stored' ? iso(at + 35 + (i % 40)) : null, where: state === 'rejected' ? 'PID-7' : '', reason: state === 'rejected' ? 'is no date: there is no 31 February; ask the sender to correct the birth date and send again' : state === 'ignored' ? '试验消息' : null, bytes: 800 + 37 * (i % 50) }
})
const field = (place, name, name_zh, value, meaning = '') => ({ place, name, name_zh, value, meaning })
function detail(one) {
  const n = 9000 - Number(one.id)
  const bad = one.state === 'rejected'
  const hl7 = names.find(([id]) => id === one.source)?.[3] === 'hl7v2'
  const xml = '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3">\n  <typeId root="2.16.840.1.113883.1.3" extension="POCD_MT000040"/>\n  <title>门（急）诊病历</title>\n  <recordTarget typeCode="RCT">\n    <patientRole><id root="2.16.156.10011.1.3" extension="210303197902280420"/></patientRole>\n  </recordTarget>\n</ClinicalDocument>\n'
  const json = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: [{ resource: { resourceType: 'Observation', status: 'final', code: { text: '血压' } }, request: { method: 'PUT', url: 'Observation/1' } }] }, null, 2)
  const form = names.find(([id]) => id === one.source)?.[3] ?? ''
  return {
    ...one, encoding: 'UTF-8', raw: hl7 ? raw(n, bad) : form === 'cda' ? xml : form === 'fhir' ? json : '就诊日期,姓名,性别,诊断\n2026-11-22,张建军,男,感冒\n',
    segments: !hl7 ? [] : [
      { name: 'MSH', title: 'Message header', title_zh: '消息头', fields: [field('MSH-3', 'Sending application', '发送应用', 'HIS'), field('MSH-4', 'Sending facility', '发送机构', 'LIUHE'), field('MSH-9', 'Message type', '消息类型', 'ADT^A04', '门诊登记'), field('MSH-10', 'Message control ID', '消息控制号', `LH${100200 + n}`), field('MSH-12', 'Version', '版本', '2.4')] },
      { name: 'EVN', title: 'Event', title_zh: '事件', fields: [field('EVN-1', 'Event type', '事件类型', 'A04')] },
      { name: 'PID', title: 'Patient identification', title_zh: '患者标识', fields: [field('PID-3', 'Patient identifiers', '患者标识号', '88000'), field('PID-5', 'Patient name', '姓名', '张^建军'), field('PID-5.1', 'Family name', '姓', '张'), field('PID-5.2', 'Given name', '名', '建军'), field('PID-7', 'Date of birth', '出生日期', bad ? '19790231' : '19790228', bad ? '' : '1979-02-28'), field('PID-8', 'Sex', '性别', 'M', '男')] },
      { name: 'PV1', title: 'Patient visit', title_zh: '就诊', fields: [field('PV1-2', 'Patient class', '患者类别', 'O', '门诊'), field('PV1-3', 'Location', '就诊地点', '内科门诊')] },
      { name: 'DG1', title: 'Diagnosis', title_zh: '诊断', fields: [field('DG1-3', 'Diagnosis code', '诊断代码', 'I10.x00', '原发性高血压')] },
      { name: 'ZPI', title: '', title_zh: '', fields: [] },
    ],
    notes: hl7 ? [{ where: 'ZPI', what: 'segment of the sender’s own', key: 'unknown-segment' }] : [],
    resources: one.state === 'stored' ? [{ type: 'Patient', id: 'wang', version: '1' }, { type: 'Encounter', id: '77ac01de9b0277ac01de9b02', version: '1' }, { type: 'Condition', id: '19b0277ac01de9b0277ac01d', version: '1' }] : [],
    journey: [{ at: one.sent_at, what: 'sent', detail: '' }, { at: one.received_at, what: 'received', detail: 'MLLP 10.20.1.7:50112' }, { at: iso(Date.parse(one.received_at) + 6), what: 'acknowledged', detail: 'AA' }, ...(one.stored_at ? [{ at: one.stored_at, what: 'stored', detail: '' }] : bad ? [{ at: iso(Date.parse(one.received_at) + 21), what: 'rejected', detail: one.reason }] : [])],
  }
}
const groups = () => [
  { source: 'shuangquan', where: 'Patient.identifier', reason: 'is no valid identity number: its check digit is wrong', count: 26, first_at: iso(now() - 2e7), last_at: iso(now() - 1e6), example: '8996' },
  { source: 'shuangquan', where: 'Observation.code', reason: 'the code GLU-POC is not known; add it to the mapping of this source', count: 11, first_at: iso(now() - 3e7), last_at: iso(now() - 5e6), example: '8996' },
  { source: 'liuhe-his', where: 'PID-7', reason: 'is no date: there is no 31 February; ask the sender to correct the birth date and send again', count: 2, first_at: iso(now() - 8e6), last_at: iso(now() - 8e6), example: '8996' },
  { source: 'pharmacies', where: 'row 12, column 出生日期', reason: 'lies after the visit', count: 5, first_at: iso(now() - 9e6), last_at: iso(now() - 7e6), example: '8996' },
]
const screen = () => ({
  area: { code: '130303', name: '山海关区' },
  figures: [{ key: 'people', value: 165_213, delta: null }, { key: 'received_today', value: sources.reduce((all, one) => all + one.today.received, 0), delta: 0.038 }, { key: 'visits_today', value: 2841, delta: 0.041 }, { key: 'stored_share', value: 0.9962, delta: null }, { key: 'latency_s', value: 1.8, delta: null }, { key: 'waiting_errors', value: 44, delta: -0.12 }],
  sources: sources.map((one, i) => ({ id: one.id, name: one.name, place: places[i], state: one.state, last_minute: one.state === 'silent' ? 0 : Math.round(names[i][4] / 60), today: one.today.received })),
  arrivals: Array.from({ length: 16 }, (_, i) => ({ at: iso(now() - i * 3100), source: names[(i * 5) % names.length][0], kind: ['ADT', 'ORU', 'Bundle', 'ORM', 'CDA'][i % 5], count: 1 + ((i * 3) % 7) })),
  hours: hours_of(5, 1).map((hour) => ({ at: hour.at, received: hour.received * 4, expected: hour.expected * 4 })),
})
export async function intake(path, request, query, body_of) {
  const method = request.method
  const given = async () => JSON.parse((await body_of(request)).toString() || '{}')
  const json = (value, status = 200) => ({ status, value })
  const missing = json({ error: { code: 'not-found', where: 'id', message: 'there is no such message', trace: '' } }, 404)
  if (path === '/api/v1/screen') return json(screen())
  if (path === '/api/v1/screen/map') return json(JSON.parse(readFileSync(new URL('../../content/screen/map.json', import.meta.url), 'utf8')))
  if (!path.startsWith('/api/v1/intake/')) return undefined
  const rest = path.slice('/api/v1/intake/'.length)
  if (rest === 'sources' && method === 'GET') return json({ sources })
  if (rest === 'sources') {
    const one = await given()
    sources.push({ ...sources[0], ...one, state: 'ok', last_at: null, today: { received: 0, stored: 0, rejected: 0, duplicate: 0 } })
    return json(one, 201)
  }
  const source = /^sources\/([^/]+)(?:\/(hours))?$/.exec(rest)
  if (source) {
    const index = sources.findIndex((one) => one.id === source[1])
    if (index < 0) return missing
    if (source[2]) return json({ hours: names[index] ? hours_of(index, Number(query.get('days') ?? 7)) : [] })
    if (method === 'DELETE') return sources.splice(index, 1), json(undefined, 204)
    const one = await given()
    Object.assign(sources[index], one, { state: one.paused ? 'paused' : 'ok' })
    return json(sources[index])
  }
  if (rest === 'messages') {
    const found = messages.filter((one) => ['source', 'state', 'kind'].every((name) => !query.get(name) || one[name] === query.get(name)) && (!query.get('text') || JSON.stringify(one).includes(query.get('text'))) && (!query.get('from') || one.received_at >= query.get('from')) && (!query.get('to') || one.received_at < query.get('to')))
    const from = Number(query.get('after') ?? 0)
    const count = Number(query.get('count') ?? 50)
    return json({ messages: found.slice(from, from + count), next: from + count < found.length ? String(from + count) : null, total: found.length })
  }
  const one = /^messages\/([^/]+)(?:\/(\w+))?$/.exec(rest)
  if (one) {
    const found = messages.find((each) => each.id === one[1])
    if (!found) return missing
    if (!one[2]) return json(detail(found))
    const body = await given()
    if (one[2] === 'ignore') Object.assign(found, { state: 'ignored', reason: body.reason })
    else Object.assign(found, { state: 'stored', stored_at: iso(now()), reason: null })
    return json(one[2] === 'resubmit' ? { id: found.id } : {})
  }
  if (rest === 'errors') return json({ groups: groups().filter((group) => !query.get('source') || group.source === query.get('source')) })
  if (rest === 'errors/retry') return json({ retried: 11 })
  if (rest === 'replay') return json({ count: 120 })
  if (rest === 'ledger') return json({ day: query.get('day'), lines: sources.filter((each) => !query.get('source') || each.id === query.get('source')).map((each) => ({ source: each.id, ...each.today, waiting: each.waiting, ignored: 0, received: each.today.received + each.waiting, balanced: true })) })
  return undefined
}
