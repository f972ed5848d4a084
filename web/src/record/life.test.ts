// SPDX-License-Identifier: Apache-2.0
// Loose resources become a life: contacts with what happened in each.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Bundle, BundleEntry, Encounter, FhirResource } from 'fhir/r4'
import { describe, expect, it } from 'vitest'
import { chinese_record } from '../../mock/chinese.mjs'
import { drawn_marks, lanes_of, marks_of, nearest, offsets_of, reaches_today, span_of, ticks_of } from './lanes'
import { contact_kind, life_of, missing_names } from './life'
import { dose_of, is_current, medicines_of } from './medicine'
import { papers_of, plain_text } from './papers'
import { leading_series, pressure_of, readings_above, series_of } from './series'
import { by_kind, gist_of } from './summary'
import { vaccines_of } from './vaccines'

const day = 86_400_000
const now = Date.UTC(2026, 10, 22)
const wang = life_of(chinese_record(new Date(now)) as FhirResource[])
const encounter = (code: string, text = '', type_code = ''): Encounter => ({ resourceType: 'Encounter', status: 'finished', class: { code }, type: [{ text, coding: type_code ? [{ code: type_code }] : undefined }] })

describe('the kind of a contact', () => {
  it('comes from its class, then from its type by code or words', () => {
    expect(contact_kind(encounter('IMP', 'check up'))).toBe('inpatient')
    expect(contact_kind(encounter('EMER'))).toBe('emergency')
    expect(contact_kind(encounter('AMB', '', '185349003'))).toBe('check_up')
    expect(contact_kind(encounter('AMB', '健康体检'))).toBe('check_up')
    expect(contact_kind(encounter('HH', '慢病联合随访'))).toBe('follow_up')
    expect(contact_kind(encounter('HH', '换药'))).toBe('home')
    expect(contact_kind(encounter('AMB', 'Office visit'))).toBe('outpatient')
    expect(contact_kind({ resourceType: 'Encounter', status: 'finished' } as Encounter)).toBe('outpatient')
  })
})

describe('a life', () => {
  it('holds every contact, newest first, with place, people and stay', () => {
    expect(wang.contacts.length).toBe(20)
    expect(wang.contacts.every((one, i) => i === 0 || (wang.contacts[i - 1]?.at ?? 0) >= (one.at ?? 0))).toBe(true)
    expect(wang.contacts[0]).toMatchObject({ kind: 'follow_up', place: { key: 'Organization/clinic', name: '杨树村卫生室' }, people: ['孙桂芳'] })
    expect(wang.contacts.find((one) => one.kind === 'inpatient')).toMatchObject({ nights: 11, reason: { text: '腔隙性脑梗死' } })
  })
  it('puts what happened into its contact, and the rest aside; nothing twice, nothing lost', () => {
    const inside = wang.contacts.flatMap((one) => one.happened)
    expect(inside.length + wang.loose.length).toBe(wang.happened.length)
    expect(new Set([...inside, ...wang.loose].map((one) => one.key)).size).toBe(wang.happened.length)
    expect(wang.loose.map((one) => one.kind).sort()).toEqual(['allergy', 'allergy', 'condition', 'condition', 'condition', 'condition', 'immunization'])
  })
  it('leaves out what was entered in error', () => {
    expect(life_of([{ resourceType: 'Observation', id: '1', status: 'entered-in-error', code: { text: 'x' } }]).happened).toEqual([])
  })
  it('survives records that are nearly empty', () => {
    const bare = ['Encounter', 'Observation', 'Condition', 'Procedure', 'MedicationRequest', 'Immunization', 'DiagnosticReport', 'DocumentReference', 'CarePlan', 'ImagingStudy', 'AllergyIntolerance'].map((resourceType) => ({ resourceType }) as FhirResource)
    const life = life_of(bare)
    expect(life.contacts.length).toBe(1)
    for (const read of [marks_of, series_of, vaccines_of, papers_of]) expect(() => read(life)).not.toThrow()
    expect(() => medicines_of(life, now)).not.toThrow()
    expect(span_of([], 'life', now).to).toBeGreaterThan(span_of([], 'life', now).from)
  })
  it('asks for the names of places it does not hold', () => {
    const lone: Encounter = { ...encounter('AMB'), id: 'e', serviceProvider: { reference: 'Organization/9' }, participant: [{ individual: { reference: 'http://x/fhir/Practitioner/8/_history/2' } }, { individual: { reference: 'Practitioner/7', display: 'Dr. Known' } }] }
    expect(missing_names([lone])).toEqual(['Organization/9', 'Practitioner/8'])
    expect(life_of([lone]).contacts[0]?.people).toEqual(['Dr. Known'])
  })
  it('tells the gist of a contact: diagnosis and pressure before the rest', () => {
    const visit = wang.contacts.find((one) => one.key === 'Encounter/t0')
    expect(visit && gist_of(visit, 2).map((one) => one.kind)).toEqual(['observation', 'medication'])
    expect(visit && by_kind(visit.happened).map((part) => [part.kind, part.all.length])).toEqual([['observation', 1], ['medication', 4]])
  })
})

describe('results', () => {
  const series = series_of(wang)
  it('become one series a measure, oldest first', () => {
    expect(series.map((one) => [one.key, one.points.length])).toEqual([['85354-9', 15], ['1558-6', 11], ['4548-4', 3]])
    const glucose = series[1]!
    expect(glucose.points.map((one) => one.measured.value)).toEqual([6.7, 6.4, 6.6, 7.0, 6.8, 7.2, 7.6, 6.9, 7.1, 7.4, 7.8])
    expect([glucose.unit, glucose.decimals, glucose.numeric, glucose.points.at(-1)?.side]).toEqual(['mmol/L', 1, true, 'high'])
  })
  it('keep the parts of a panel together, systolic first', () => {
    const pressure = pressure_of(series[0]!)
    expect(pressure?.high.points.at(-1)?.measured.value).toBe(152)
    expect(pressure?.low.points.at(-1)?.measured.value).toBe(90)
    expect(series[0]?.parts.map((part) => part.key)).toEqual(['8480-6', '8462-4'])
    const turned = life_of([{ resourceType: 'Observation', id: 'o', status: 'final', effectiveDateTime: '2026-01-01', code: { coding: [{ code: '55284-4' }] }, component: [{ code: { coding: [{ code: '8462-4' }] }, valueQuantity: { value: 80 } }, { code: { coding: [{ code: '8480-6' }] }, valueQuantity: { value: 120 } }] }])
    expect(series_of(turned)[0]?.parts.map((part) => part.key)).toEqual(['8480-6', '8462-4'])
    expect(turned.happened[0]?.parts.map((part) => part.value.value)).toEqual([120, 80])
  })
  it('count how many readings in a row lie above the limit', () => {
    const pressure = pressure_of(series[0]!)!
    expect(readings_above(pressure)).toBe(12)
    expect(readings_above({ high: { ...pressure.high, points: pressure.high.points.map((one) => ({ ...one, measured: { ...one.measured, value: 120 } })) }, low: { ...pressure.low, points: [] } })).toBe(0)
  })
  it('lead with what a doctor looks at first', () => {
    expect(leading_series(series, 2).map((one) => one.key)).toEqual(['85354-9', '4548-4'])
  })
})

describe('the lanes', () => {
  const marks = marks_of(wang)
  it('have one mark an event; results of one day and place are one', () => {
    expect(marks.filter((one) => one.kind === 'follow_up').length).toBe(11)
    expect(marks.filter((one) => one.kind === 'results').length).toBe(14)
    expect(marks.filter((one) => one.kind === 'stay').map((one) => Math.round((one.until - one.at) / day))).toEqual([11])
  })
  it('gather places by name, and the rest in a last lane', () => {
    expect(lanes_of(marks).map((lane) => lane.place.name)).toEqual(['杨树村卫生室', '区人民医院', '柳河镇卫生院', '市中心医院'])
    const three = lanes_of(marks, 3)
    expect(three.map((lane) => lane.place.key)).toEqual(['Organization/clinic', 'Organization/county', 'rest'])
    expect(three.reduce((sum, lane) => sum + lane.marks.length, 0)).toBe(marks.length)
  })
  it('set marks of one contact side by side', () => {
    const offsets = offsets_of(marks)
    expect([offsets.get('Encounter/v0'), offsets.get('Observation/g0')]).toEqual([0, 1])
  })
  it('end today, or with the last event when the record stopped long ago', () => {
    expect(reaches_today(span_of(marks, '24', now), now)).toBe(true)
    const later = now + 5 * 365 * day
    const old = span_of(marks, '24', later)
    expect(reaches_today(old, later)).toBe(false)
    expect(marks.filter((one) => one.at >= old.from && one.at <= old.to).length).toBeGreaterThan(20)
    const life = span_of(marks, 'life', now)
    expect(marks.every((one) => one.at >= life.from && one.until <= life.to)).toBe(true)
  })
  it('have ticks inside the span, far enough apart, for days and for centuries', () => {
    for (const years of [0.05, 0.5, 1, 2, 7, 40, 110]) {
      const span = { from: now - years * 365.25 * day, to: now }
      const ticks = ticks_of(span, 1000)
      expect(ticks.every((tick) => tick.at >= span.from && tick.at <= span.to)).toBe(true)
      expect(ticks.length).toBeLessThanOrEqual(17)
      if (years >= 0.5) expect(ticks.length).toBeGreaterThanOrEqual(3)
    }
  })
  it('stay light with daily readings over decades', () => {
    const daily = Array.from({ length: 20_000 }, (_, i): FhirResource => ({ resourceType: 'Observation', id: `o${i}`, status: 'final', category: [{ coding: [{ code: 'laboratory' }] }], code: { coding: [{ code: '1558-6' }] }, effectiveDateTime: new Date(now - i * day).toISOString(), valueQuantity: { value: 5 + (i % 30) / 10, unit: 'mmol/L' } }))
    const long = life_of(daily)
    const all = marks_of(long)
    const span = span_of(all, 'life', now)
    const drawn = drawn_marks(all, (at) => ((at - span.from) / (span.to - span.from)) * 1100, span)
    expect([all.length, series_of(long)[0]?.points.length]).toEqual([20_000, 20_000])
    expect(drawn.length).toBeLessThanOrEqual(551)
    expect(drawn.length).toBeGreaterThan(400)
    expect(drawn_marks(marks, (at) => at, { from: -Infinity, to: Infinity }).length).toBe(marks.length)
  })
  it('find the mark under the pointer', () => {
    const some = marks.filter((one) => one.kind === 'follow_up')
    expect(nearest(some, some[3]!.at + day, 2 * day)?.key).toBe(some[3]?.key)
    expect(nearest(some, some[3]!.at + 20 * day, 2 * day)).toBeNull()
  })
})

describe('medicines', () => {
  it('are current while the order is active and has not run out', () => {
    expect(is_current('active', undefined, now)).toBe(true)
    expect(is_current('active', '2020-01-01', now)).toBe(false)
    expect(is_current('stopped', undefined, now)).toBe(false)
    expect(medicines_of(wang, now).map((one) => [one.name.text, one.current])).toEqual([['氨氯地平 5 mg', true], ['缬沙坦 80 mg', true], ['二甲双胍 0.5 g', true], ['阿司匹林肠溶 100 mg', true]])
  })
  it('group the orders of one medicine, newest first', () => {
    const order = (id: string, date: string, status: 'active' | 'stopped'): FhirResource => ({ resourceType: 'MedicationRequest', id, status, intent: 'order', subject: {}, authoredOn: date, medicationCodeableConcept: { coding: [{ code: '1', display: 'A' }] } })
    const [one] = medicines_of(life_of([order('a', '2020-01-01', 'active'), order('b', '2021-01-01', 'stopped')]), now)
    expect([one?.current, one?.orders.map((held) => held.key)]).toEqual([true, ['MedicationRequest/b', 'MedicationRequest/a']])
  })
  it('find names of medicines kept inside the order or beside it', () => {
    const life = life_of([
      { resourceType: 'MedicationRequest', id: 'a', status: 'active', intent: 'order', subject: {}, medicationReference: { reference: '#m' }, contained: [{ resourceType: 'Medication', id: 'm', code: { text: 'inside' } } as FhirResource] },
      { resourceType: 'MedicationRequest', id: 'b', status: 'active', intent: 'order', subject: {}, medicationReference: { reference: 'Medication/x' } },
      { resourceType: 'Medication', id: 'x', code: { text: 'beside' } },
    ])
    expect(medicines_of(life, now).map((one) => one.name.text).sort()).toEqual(['beside', 'inside'])
  })
  it('read a dose', () => {
    expect(dose_of({ doseAndRate: [{ doseQuantity: { value: 5, unit: 'mg' } }], timing: { repeat: { frequency: 2, period: 1, periodUnit: 'd' } } })).toMatchObject({ amount: 5, unit: 'mg', times: { times: 2, per: 1, unit: 'd' }, as_needed: false })
    expect(dose_of(undefined)).toMatchObject({ amount: null, times: null, text: '' })
  })
})

describe('papers and vaccines', () => {
  it('show a report with its results, and text held in the record', () => {
    const life = life_of([
      { resourceType: 'DiagnosticReport', id: 'r', status: 'final', code: { text: 'Lipids' }, effectiveDateTime: '2026-01-01', result: [{ reference: 'Observation/2' }, { reference: 'Observation/gone' }, { reference: 'Observation/1' }], presentedForm: [{ contentType: 'text/plain', data: Buffer.from('肝胆未见异常', 'utf8').toString('base64') }] },
      { resourceType: 'Observation', id: '1', status: 'final', code: { text: 'one' } },
      { resourceType: 'Observation', id: '2', status: 'final', code: { text: 'two' } },
    ])
    const [paper] = papers_of(life)
    expect(paper?.results.map((one) => one.what.text)).toEqual(['two', 'one'])
    expect(paper?.text).toBe('肝胆未见异常')
  })
  it('open no dangerous links and no broken text', () => {
    const [paper] = papers_of(life_of([{ resourceType: 'DocumentReference', id: 'd', status: 'current', content: [{ attachment: { url: 'javascript:alert(1)' } }, { attachment: { url: 'Binary/4', title: 'Letter' } }] }]))
    expect(paper?.attachments.map((one) => one.url)).toEqual(['/fhir/Binary/4'])
    expect(plain_text({ contentType: 'text/plain', data: '%%%' })).toBe('')
    expect(plain_text({ contentType: 'text/html', data: 'PGI+' })).toBe('')
  })
  it('list the doses of each vaccine, oldest first', () => {
    const dose = (id: string, date: string): FhirResource => ({ resourceType: 'Immunization', id, status: 'completed', patient: {}, vaccineCode: { coding: [{ code: '140' }] }, occurrenceDateTime: date })
    expect(vaccines_of(life_of([dose('b', '2021-10-01'), dose('a', '2020-10-01')]))[0]?.doses.map((one) => one.key)).toEqual(['Immunization/a', 'Immunization/b'])
  })
})

/* The samples that the house ships: counted here in a plain way, and by the modules. */
const samples = join(process.cwd(), '..', 'content', 'samples')
const files = existsSync(samples) ? readdirSync(samples, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json.gz')).slice(0, 12) : []

describe.skipIf(files.length === 0)('the shipped samples', () => {
  it.each(files)('%s is read whole', (file) => {
    const bundle = JSON.parse(gunzipSync(readFileSync(join(samples, file))).toString('utf8')) as Bundle
    const names = new Map((bundle.entry ?? []).map((entry: BundleEntry) => [entry.fullUrl ?? '', `${entry.resource?.resourceType}/${entry.resource?.id}`]))
    const text = JSON.stringify((bundle.entry ?? []).map((entry) => entry.resource)).replace(/"(urn:uuid:[^"]+)"/g, (whole, urn: string) => (names.has(urn) ? `"${names.get(urn)}"` : whole))
    const resources = JSON.parse(text) as FhirResource[]
    const life = life_of(resources)
    const count = (...types: string[]): number => resources.filter((one) => types.includes(one.resourceType)).length
    expect(life.contacts.length).toBe(count('Encounter'))
    expect(life.happened.length).toBe(count('Condition', 'Observation', 'Procedure', 'MedicationRequest', 'Immunization', 'DiagnosticReport', 'ImagingStudy', 'DocumentReference', 'CarePlan', 'AllergyIntolerance'))
    expect(life.contacts.every((one) => one.place.name !== '')).toBe(true)
    const series = series_of(life)
    expect(series.reduce((sum, one) => sum + one.points.length, 0)).toBe(count('Observation'))
    expect(vaccines_of(life).reduce((sum, one) => sum + one.doses.length, 0)).toBe(count('Immunization'))
    expect(medicines_of(life, now).reduce((sum, one) => sum + one.orders.length, 0)).toBe(count('MedicationRequest'))
    const visits = marks_of(life).filter((one) => one.kind !== 'results' && one.kind !== 'vaccine')
    expect(visits.length).toBe(count('Encounter'))
  })
})
