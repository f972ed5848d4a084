// SPDX-License-Identifier: Apache-2.0
// Who may see what.
export default {
  title: 'Access rules',
  try: 'Try it',
  try_text: 'any account on any record: may it see it, and which rule says so',
  try_own_text: 'you on a record: may you see it, and which rule says so',
  account: 'Account',
  resource: 'Record (id of a Patient, or Type/id)',
  ask: 'Ask',
  allowed: 'May see it',
  refused: 'May not see it',
  unguarded: 'No rule limits this role: what its account may',
  until: '(until {at})',
  by_rule: 'Rule',
  emergency_possible: 'can be opened in an emergency, with a reason',
  rules: 'Rules',
  rules_text: 'from top to bottom, the first that applies decides',
  role: 'Role',
  effect: { permit: 'permit', refuse: 'refuse', resident: 'the resident' },
  roles: { administrator: 'Administrators', clinician: 'Clinicians', epidemiologist: 'Epidemiologists', planner: 'Planners', operator: 'Operators', auditor: 'Auditors', resident: 'Residents', system: 'Systems', 'institution-administrator': 'Institution administrators' },
}
