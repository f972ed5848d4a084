// SPDX-License-Identifier: Apache-2.0
// The first page.
export default {
  title: '首页',
  heading: '{name}，您好。找谁？',
  hint: '在任何页面按 Ctrl K 或 / 都能找人。',
  recorded: '查询会记录。',
  population: '居民',
  people_unit: '人',
  see_people: '看名单',
  resources: '记录',
  resource_unit: '条',
  of_types: '{count} 种资源',
  updated: '最近入库',
  never: '还没有记录',
  recent: '最近打开',
  recent_note: '只在这次登录中保留',
  recent_empty: '还没有打开过档案',
  recent_empty_text: '找到一位居民，打开后会列在这里。',
  kinds: '记录的种类',
  kinds_note: '按条数',
}
