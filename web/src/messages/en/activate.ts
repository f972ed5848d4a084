// SPDX-License-Identifier: Apache-2.0
// Residents make their own account.
export default {
  title: 'Resident activation',
  text: 'With your identity number and e-health card number we send a code to the phone of your record.',
  identity: 'Identity number',
  card: 'E-health card number',
  card_where: 'on the card, or what its code says',
  send: 'Send the code',
  sent: 'If what you gave fits the record, a code is on its way to the phone of the record. It holds for 10 minutes.',
  demo: 'This is a demonstration: the code stands in the log of the server.',
  code: 'Six digits of the message',
  name: 'A name for your account',
  name_rule: 'small letters, digits, dots, dashes; 2 to 64',
  finish: 'Activate',
  again: 'Begin again',
  ready: 'Account {name} is ready. Choose a password of your own.',
  to_login: 'I have an account: sign in',
  not_offered: 'Activation is not offered here',
  counter: 'Bring your identity card to a counter of a health centre.',
  fault: {
    code: 'The code is wrong or too old, or what you gave does not fit the record. Begin again, or go to a counter.',
    often: 'Asked too often. Try again in an hour, or go to a counter.',
    name: 'This name cannot be used. Choose another.',
  },
}
