// SPDX-License-Identifier: Apache-2.0
// Words of the record: sex, age, kinds of contact, states.
export default {
  sex: { male: 'male', female: 'female', other: 'other', unknown: 'sex unknown' },
  age: { days: '{n} day | {n} days', months: '{n} month | {n} months', years: '{n} year | {n} years', unknown: 'age unknown' },
  contact: { outpatient: 'outpatient', emergency: 'emergency', inpatient: 'inpatient', follow_up: 'follow-up', check_up: 'check-up', home: 'home visit', virtual: 'virtual' },
  happening: { condition: 'Conditions', observation: 'Results', procedure: 'Procedures', medication: 'Medication', immunization: 'Vaccines', report: 'Reports', imaging: 'Imaging', document: 'Documents', plan: 'Care plans', allergy: 'Allergies' },
  category: { 'vital-signs': 'Vital signs', laboratory: 'Laboratory', imaging: 'Imaging', survey: 'Surveys', procedure: 'Procedures', exam: 'Examination', 'social-history': 'Social history', other: 'Other' },
  condition: { active: 'active', recurrence: 'recurrence', relapse: 'relapse', inactive: 'inactive', remission: 'remission', resolved: 'resolved' },
  encounter: { planned: 'planned', arrived: 'arrived', triaged: 'triaged', 'in-progress': 'in progress', onleave: 'on leave', finished: 'finished', cancelled: 'cancelled' },
  event: { preparation: 'in preparation', 'in-progress': 'in progress', 'not-done': 'not done', 'on-hold': 'on hold', stopped: 'stopped', completed: 'completed', unknown: 'unknown' },
  medication: { active: 'active', 'on-hold': 'on hold', cancelled: 'cancelled', completed: 'completed', stopped: 'stopped', draft: 'draft', unknown: 'unknown', intended: 'intended', 'not-taken': 'not taken' },
  observation: { registered: 'registered', preliminary: 'preliminary', final: 'final', amended: 'amended', corrected: 'corrected', cancelled: 'cancelled', unknown: 'unknown' },
  paper: { registered: 'registered', partial: 'partial', preliminary: 'preliminary', final: 'final', amended: 'amended', corrected: 'corrected', appended: 'appended', cancelled: 'cancelled', current: 'current', superseded: 'superseded', available: 'available', active: 'active', completed: 'completed', draft: 'draft', 'on-hold': 'on hold', revoked: 'revoked', unknown: 'unknown' },
  criticality: { low: 'low risk', high: 'high risk', 'unable-to-assess': 'risk unknown' },
  identifier: { NI: 'National ID', NNCHN: 'National ID', PPN: 'Passport', DL: 'Driving licence', SS: 'Social security', MR: 'Medical record', MC: 'Insurance', JHN: 'Health card' },
  marital: { M: 'married', S: 'never married', D: 'divorced', W: 'widowed', U: 'unknown', UNK: 'unknown', L: 'separated', T: 'domestic partner' },
  language: { zh: 'Chinese', 'zh-CN': 'Chinese', en: 'English', 'en-US': 'English', es: 'Spanish', fr: 'French', de: 'German', ja: 'Japanese', ko: 'Korean', ru: 'Russian' },
  role: { administrator: 'administrator', clinician: 'clinician', auditor: 'auditor', system: 'system account' },
  access: { read: 'looked', search: 'searched', reveal: 'opened identifier or phone', print: 'printed', update: 'changed', create: 'wrote', delete: 'deleted', history: 'looked at history', everything: 'looked at everything', export: 'exported', import: 'imported' },
  as_needed: 'as needed',
  per: { s: '{times} × every {per} s', min: '{times} × every {per} min', h: '{times} × every {per} h', d: '{times} × daily | {times} × every {per} days', wk: '{times} × weekly | {times} × every {per} weeks', mo: '{times} × monthly | {times} × every {per} months', a: '{times} × yearly | {times} × every {per} years' },
  resource: { Patient: 'Patient', Encounter: 'Encounter', Observation: 'Observation', Condition: 'Condition', Procedure: 'Procedure', MedicationRequest: 'MedicationRequest', MedicationStatement: 'MedicationStatement', Immunization: 'Immunization', DiagnosticReport: 'DiagnosticReport', DocumentReference: 'DocumentReference', CarePlan: 'CarePlan', CareTeam: 'CareTeam', Goal: 'Goal', ImagingStudy: 'ImagingStudy', AllergyIntolerance: 'AllergyIntolerance', Organization: 'Organization', Practitioner: 'Practitioner', PractitionerRole: 'PractitionerRole', Location: 'Location', Claim: 'Claim', ExplanationOfBenefit: 'ExplanationOfBenefit', Coverage: 'Coverage', Device: 'Device', Medication: 'Medication', ServiceRequest: 'ServiceRequest', Specimen: 'Specimen', Task: 'Task', AuditEvent: 'AuditEvent', Provenance: 'Provenance' },
}
