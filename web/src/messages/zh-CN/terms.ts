// SPDX-License-Identifier: Apache-2.0
// Words of the record: sex, age, kinds of contact, states.
export default {
  sex: { male: '男', female: '女', other: '其他', unknown: '性别未知' },
  age: { days: '{n} 天', months: '{n} 个月', years: '{n} 岁', unknown: '年龄未知' },
}
