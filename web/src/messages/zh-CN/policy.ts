// SPDX-License-Identifier: Apache-2.0
// 谁能看什么。
export default {
  title: '访问规则',
  try: '试一试',
  try_text: '任一账号对任一记录：能不能看，是哪条规则说的',
  try_own_text: '您对某条记录：能不能看，是哪条规则说的',
  account: '账号',
  resource: '记录（居民编号，或 类型/编号）',
  ask: '查看判定',
  allowed: '可以看',
  refused: '不能看',
  unguarded: '该角色不受规则限制，按账号权限',
  until: '（至 {at}）',
  by_rule: '规则',
  emergency_possible: '可填写理由后紧急查阅',
  rules: '规则',
  rules_text: '从上到下，第一条适用的规则说了算',
  role: '角色',
  effect: { permit: '允许', refuse: '不允许', resident: '居民决定' },
  roles: { administrator: '系统管理员', clinician: '医生', epidemiologist: '流行病学人员', planner: '规划人员', operator: '运维人员', auditor: '审计人员', resident: '居民', system: '系统', 'institution-administrator': '机构管理员' },
}
