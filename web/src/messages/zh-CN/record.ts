// SPDX-License-Identifier: Apache-2.0
// The lifelong record.
export default {
  title: '健康档案',
  head: {
    born: '{date} 生',
    identifier: '证件',
    phone: '电话',
    address: '住址',
    marital: '婚姻',
    language: '语言',
    fewer: '收起',
    more_identifiers: '另有 {n} 个证件',
    more_problems: '另有 {n} 个',
    allergies: '过敏',
    no_allergies: '没有记录',
    problems: '问题',
    no_problems: '没有在管的问题',
    not_revealed: '没有显示出来',
  },
}
