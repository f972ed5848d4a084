// SPDX-License-Identifier: Apache-2.0
// The lifelong record.
export default {
  title: 'Health record',
  head: {
    born: 'born {date}',
    identifier: 'Identifier',
    phone: 'Phone',
    address: 'Address',
    marital: 'Marital status',
    language: 'Language',
    fewer: 'Show fewer',
    more_identifiers: '{n} more identifiers',
    more_problems: '{n} more',
    allergies: 'Allergies',
    no_allergies: 'none recorded',
    problems: 'Problems',
    no_problems: 'no active problem',
    not_revealed: 'Not shown',
  },
}
