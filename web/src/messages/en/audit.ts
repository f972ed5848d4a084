// SPDX-License-Identifier: Apache-2.0
// Security audit, and who looked at my record.
export default {
  title: 'Security audit',
  rail: 'Audit',
  tab: { lines: 'Accesses', cases: 'Questions', emergencies: 'Emergencies', unusual: 'Unusual' },
  search: 'Search',
  csv: 'Download table',
  any: 'All',
  older: 'Older',
  none: 'No such access',
  none_text: 'Leave out a condition or choose another time.',
  granted: 'Granted',
  refused: 'Refused',
  no_purpose: 'not said',
  what_of: '{action} · {thing}',
  field: { row: 'No.', at: 'Time', who: 'Account', patient: 'Record', institution: 'Institution', what: 'What', why: 'Purpose', result: 'Result', from: 'From', to: 'To', peer: 'Address', emergency: 'Emergency accesses only' },
  what: {
    read: 'Read', vread: 'Read an old version', search: 'Search', everything: 'Read the whole record', history: 'Read the history', create: 'Create', update: 'Change', patch: 'Change', delete: 'Delete', reveal: 'Show a number', print: 'Print', export: 'Export',
    import: 'Import', login: 'Log in', logout: 'Log out', password: 'Change password', refused: 'Refused access', 'break-glass': 'Emergency access', audit: 'Read the audit', 'audit export': 'Export the audit', 'audit-chain': 'Beginning of the chain', case: 'Resident’s question', card: 'Health card', document: 'Document', message: 'Read a message', consent: 'Consent', view: 'Data view', quality: 'Data quality', registry: 'Registry',
  },
  purpose: { TREAT: 'treatment', ETREAT: 'emergency treatment', CAREMGT: 'care management', PUBHLTH: 'public health', HOPERAT: 'operations', HPAYMT: 'payment', HRESCH: 'research', PATRQT: 'the resident’s own request', FAMRQT: 'on behalf of family', treatment: 'treatment', 'break-glass': 'emergency access (without permission, always reviewed)' },
  chain: {
    lines: 'Lines', signed: 'Signed', to_line: 'up to line {n}', unsigned: 'not signed yet', verified: 'Verified', never: 'never verified', running: 'verifying', whole: 'whole', broken: '{n} faults', verify: 'Verify now', anchor: 'Download anchor',
  },
  case: { open: 'Open', asked: 'Looked into', answered: 'Answered', closed: 'Closed' },
  step: { open: 'Asked', ask: 'Ask who looked', answer: 'Answer', again: 'Not content', close: 'Close' },
  cases: {
    title: 'Residents’ questions', text: 'What residents ask about a look at their record. They see the answer at once.', state: 'State', none: 'No such question', none_text: 'Residents ask on their page “who looked at my record”.', number: 'Question {n}',
    about: '{at}, {who} ({role}, {institution}): {what}; purpose: {why}', words: 'Words on question {n}', words_hint: 'What was found out, or the answer',
  },
  unusual: {
    title: 'Unusual accesses', text: 'Found by rules: content/access/unusual.json.', waiting: 'Waiting', reviewed: 'Reviewed', none: 'No unusual access waits', none_text: 'New accesses are judged as they come.', note: 'What came of the review', review: 'Reviewed',
  },
  emergencies: {
    title: 'Emergency access', text: 'Residents were told of each; reviewed within its time, and never by whoever opened it.', state: 'State', open: 'To review', overdue: 'Overdue', reviewed: 'Reviewed', none: 'None of these', none_text: 'A record opened in an emergency appears here at once.',
    told: 'Opened {at} by {who} ({role}{institution}), until {until}', due: 'review by {at}', finding: 'Finding', justified: 'Justified', unclear: 'Unclear, to be looked into', abuse: 'Abuse', note: 'What was found', save: 'Save the finding', saved: 'Saved; the resident can see it', looks: 'What was looked at', by: '{who}, {at}',
  },
  mine: {
    title: 'Who looked at my record', text: 'Every look is here within two seconds. Nobody can remove or change one.', rail: 'Who looked', none: 'Nobody else looked at your record yet', none_text: 'When somebody does, you see who, where, and at what.', unknown: 'without a name', no_institution: 'no institution registered', why: 'Purpose: ', was_refused: 'not allowed',
    doubt: 'I have a question', doubt_about: 'I have a question: {who}, {at}', doubt_text: '{at}, {who}: {what}. The security officer looks into it and answers you.', question: 'Your question', cancel: 'Cancel', send: 'Send', sent: 'Sent; the answer appears on this page', asked: 'Questioned: {state}',
    cases: 'My questions', answer: 'Answer', again: 'Not content', again_words: 'What else do you want to know?', content: 'That is clear',
  },
}
