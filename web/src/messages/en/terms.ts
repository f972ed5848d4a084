// SPDX-License-Identifier: Apache-2.0
// Words of the record: sex, age, kinds of contact, states.
export default {
  sex: { male: 'male', female: 'female', other: 'other', unknown: 'sex unknown' },
  age: { days: '{n} day | {n} days', months: '{n} month | {n} months', years: '{n} year | {n} years', unknown: 'age unknown' },
}
