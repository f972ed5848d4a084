// SPDX-License-Identifier: Apache-2.0
// A made-up Chinese record for drawing pages: visits of a village clinic, a township hospital and a county hospital.

const coding = (system, code, display) => ({ coding: [{ system, code, display }], text: display })
const loinc = (code, display) => coding('http://loinc.org', code, display)
const place = (id, name) => ({ resourceType: 'Organization', id, name })

/** One woman of 67 with hypertension, diabetes and a stroke, as resources. Dates count back from `now`. */
export function chinese_record(now = new Date()) {
  const day = (ago, time = '09:30') => `${new Date(now.getTime() - ago * 86_400_000).toISOString().slice(0, 10)}T${time}:00+08:00`
  const subject = { reference: 'Patient/wang' }
  const all = [
    {
      resourceType: 'Patient', id: 'wang', gender: 'female', birthDate: '1959-03-12',
      name: [{ family: '王', given: ['桂兰'], text: '王桂兰' }],
      identifier: [{ type: { coding: [{ code: 'NI' }] }, system: 'urn:oid:2.16.156.112604.1.2.18', value: '219901195903120428' }],
      telecom: [{ system: 'phone', value: '13804315207' }],
      address: [{ text: '柳河镇杨树村 3 组' }], maritalStatus: { coding: [{ code: 'M' }] }, communication: [{ language: { coding: [{ code: 'zh-CN' }] } }],
    },
    place('clinic', '杨树村卫生室'), place('township', '柳河镇卫生院'), place('county', '区人民医院'), place('city', '市中心医院'),
    { resourceType: 'Practitioner', id: 'sun', name: [{ family: '孙', given: ['桂芳'], text: '孙桂芳' }] },
    { resourceType: 'AllergyIntolerance', id: 'a1', patient: subject, code: { text: '青霉素' }, criticality: 'high', recordedDate: '2011-05-04', reaction: [{ manifestation: [{ text: '皮疹' }] }] },
    { resourceType: 'AllergyIntolerance', id: 'a2', patient: subject, code: { text: '碘造影剂' }, criticality: 'high', recordedDate: '2022-08-19', reaction: [{ manifestation: [{ text: '喉头水肿' }] }] },
  ]
  const condition = (id, text, since, active = true) => all.push({ resourceType: 'Condition', id, subject, code: { text }, onsetDateTime: since, recordedDate: since, clinicalStatus: { coding: [{ code: active ? 'active' : 'resolved' }] } })
  condition('c1', '高血压 2 级', '2014-06-03')
  condition('c2', '2 型糖尿病', '2018-09-12')
  condition('c3', '脑梗死后', '2026-06-24')
  condition('c4', '急性支气管炎', '2025-01-09', false)
  const visit = (id, where, ago, kind, text, days = 0, reason = undefined) =>
    all.push({ resourceType: 'Encounter', id, status: 'finished', subject, class: { code: kind }, type: [{ text }], period: { start: day(ago), end: day(ago - days, '10:10') }, serviceProvider: { reference: `Organization/${where}` }, participant: where === 'clinic' ? [{ individual: { reference: 'Practitioner/sun' } }] : [], reasonCode: reason ? [{ text: reason }] : undefined })
  const observe = (id, visit_id, ago, code, value, unit, range = undefined) =>
    all.push({ resourceType: 'Observation', id, status: 'final', subject, encounter: { reference: `Encounter/${visit_id}` }, category: [{ coding: [{ code: code.lab ? 'laboratory' : 'vital-signs' }] }], code: loinc(code.code, code.display), effectiveDateTime: day(ago), valueQuantity: { value, unit }, referenceRange: range ? [{ low: range[0] === null ? undefined : { value: range[0], unit }, high: range[1] === null ? undefined : { value: range[1], unit } }] : undefined })
  const pressure = (id, visit_id, ago, high, low) =>
    all.push({ resourceType: 'Observation', id, status: 'final', subject, encounter: { reference: `Encounter/${visit_id}` }, category: [{ coding: [{ code: 'vital-signs' }] }], code: loinc('85354-9', 'Blood pressure panel'), effectiveDateTime: day(ago), component: [{ code: loinc('8480-6', 'Systolic blood pressure'), valueQuantity: { value: high, unit: 'mmHg' } }, { code: loinc('8462-4', 'Diastolic blood pressure'), valueQuantity: { value: low, unit: 'mmHg' } }] })
  const glucose = { code: '1558-6', display: 'Fasting glucose', lab: true }
  const hba1c = { code: '4548-4', display: 'Hemoglobin A1c/Hemoglobin.total in Blood', lab: true }
  ;[14, 105, 133, 147, 196, 283, 371, 457, 553, 634, 702].forEach((ago, i) => {
    visit(`v${i}`, 'clinic', ago, 'HH', '慢病联合随访')
    pressure(`bp${i}`, `v${i}`, ago, [152, 146, 144, 146, 156, 148, 152, 144, 150, 136, 138][i], [90, 92, 84, 84, 88, 90, 88, 86, 84, 80, 82][i])
    observe(`g${i}`, `v${i}`, ago, glucose, [7.8, 7.4, 7.1, 6.9, 7.6, 7.2, 6.8, 7.0, 6.6, 6.4, 6.7][i], 'mmol/L', [3.9, 6.1])
  })
  ;[[53, '门诊', '头晕 3 天'], [248, '门诊', undefined], [443, '门诊', undefined], [680, '门诊', '咳嗽 1 周']].forEach(([ago, text, reason], i) => {
    visit(`t${i}`, 'township', ago, 'AMB', text, 0, reason)
    pressure(`tp${i}`, `t${i}`, ago, [156, 148, 150, 142][i], [92, 88, 86, 84][i])
  })
  ;[33, 122, 515].forEach((ago, i) => {
    visit(`k${i}`, 'county', ago, 'AMB', '检验科')
    observe(`h${i}`, `k${i}`, ago, hba1c, [7.6, 7.4, 7.8][i], '%', [4.0, 6.0])
  })
  visit('s1', 'city', 160, 'IMP', '住院', 11, '腔隙性脑梗死')
  visit('s2', 'city', 604, 'AMB', '神经内科门诊')
  const medicine = (id, text, dose) => all.push({ resourceType: 'MedicationRequest', id, status: 'active', intent: 'order', subject, authoredOn: day(53), encounter: { reference: 'Encounter/t0' }, medicationCodeableConcept: { text }, dosageInstruction: [{ text: dose, timing: { repeat: { frequency: 1, period: 1, periodUnit: 'd' } } }] })
  medicine('m1', '氨氯地平 5 mg', '每日 1 次')
  medicine('m2', '缬沙坦 80 mg', '每日 1 次')
  medicine('m3', '二甲双胍 0.5 g', '每日 2 次')
  medicine('m4', '阿司匹林肠溶 100 mg', '每日 1 次')
  all.push({ resourceType: 'Immunization', id: 'i1', status: 'completed', patient: subject, vaccineCode: { text: '流感疫苗（四价裂解）' }, occurrenceDateTime: day(389), location: { display: '柳河镇卫生院' }, lotNumber: '202510034', protocolApplied: [{ doseNumberPositiveInt: 1 }] })
  return all
}
