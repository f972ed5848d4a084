// SPDX-License-Identifier: Apache-2.0
// Security audit, and who looked at my record.
export default {
  title: '安全审计',
  rail: '审计',
  tab: { lines: '访问记录', cases: '居民疑问', emergencies: '紧急查阅', unusual: '异常访问' },
  search: '查询',
  csv: '下载表格',
  any: '全部',
  older: '更早的',
  none: '没有符合的记录',
  none_text: '去掉一些条件，或换一段时间。',
  granted: '已允许',
  refused: '被拒绝',
  no_purpose: '未说明',
  what_of: '{action} · {thing}',
  field: { row: '序号', at: '时间', who: '账号', patient: '居民档案号', institution: '机构', what: '做了什么', why: '目的', result: '结果', from: '从', to: '到', peer: '来源地址', emergency: '只看紧急访问' },
  what: {
    read: '查看', vread: '查看旧版本', search: '查询', everything: '查看全部档案', history: '查看历史', create: '新增', update: '修改', patch: '修改', delete: '删除', reveal: '显示证件号或电话', print: '打印', export: '导出',
    import: '导入', login: '登录', logout: '退出', password: '改密码', refused: '被拒绝的访问', 'break-glass': '紧急访问', audit: '查看审计', 'audit export': '导出审计', 'audit-chain': '审计链起点', case: '居民疑问', card: '健康卡', document: '文书', message: '查看报文', consent: '授权', view: '数据视图', quality: '数据质量', registry: '注册库',
  },
  purpose: { TREAT: '诊疗', ETREAT: '急诊救治', CAREMGT: '健康管理', PUBHLTH: '公共卫生', HOPERAT: '医院运营', HPAYMT: '医保结算', HRESCH: '科研', PATRQT: '居民本人', FAMRQT: '家属代办', treatment: '诊疗', 'break-glass': '紧急访问（未经授权，事后必审）' },
  chain: {
    lines: '记录条数', signed: '最近签名', to_line: '到第 {n} 条', unsigned: '还没有签名', verified: '完整性校验', never: '尚未校验', running: '正在校验', whole: '完整', broken: '有 {n} 处不符', verify: '立即校验', anchor: '下载锚点',
  },
  case: { open: '待处理', asked: '核查中', answered: '已答复', closed: '已办结' },
  step: { open: '提出疑问', ask: '转当事人核查', answer: '答复', again: '仍有疑问', close: '办结' },
  cases: {
    title: '居民疑问', text: '居民对某次查看提出的疑问，答复后居民立即可见。', state: '状态', none: '没有这类疑问', none_text: '居民在“谁看过我的档案”里提出疑问后会出现在这里。', number: '疑问 {n}',
    about: '{at}，{who}（{role}，{institution}）{what}；目的：{why}', words: '疑问 {n} 的说明', words_hint: '写明核查情况或答复',
  },
  unusual: {
    title: '异常访问', text: '按规则发现，规则见 content/access/unusual.json。', waiting: '待核查', reviewed: '已核查', none: '没有待核查的异常访问', none_text: '新的访问一发生就会按规则判断。', note: '核查结论', review: '完成核查',
  },
  emergencies: {
    title: '紧急查阅复核', text: '每次紧急查阅都已通知居民，须在期限内复核；不能复核自己的。', state: '状态', open: '待复核', overdue: '已超时', reviewed: '已复核', none: '没有这类紧急查阅', none_text: '医生以紧急理由打开档案后，马上出现在这里。',
    told: '{at} 由{who}（{role}{institution}）打开，到 {until} 为止', due: '{at} 前复核', finding: '结论', justified: '理由成立', unclear: '尚不清楚，继续核实', abuse: '认定为滥用', note: '核实情况', save: '提交结论', saved: '结论已记下，居民可以看到', looks: '看了什么', by: '{who}，{at}',
  },
  mine: {
    title: '谁看过我的档案', text: '每一次查看都会在两秒内出现在这里，任何人都不能删除或修改。', rail: '谁看过', none: '还没有别人看过您的档案', none_text: '有人查看时，这里马上会显示是谁、在哪里、看了什么。', unknown: '未具名', no_institution: '未登记机构', why: '目的：', was_refused: '未获允许',
    doubt: '我有疑问', doubt_about: '我有疑问：{who}，{at}', doubt_text: '{at}，{who}：{what}。安全管理员会核查并答复您。', question: '您的疑问', cancel: '取消', send: '提交', sent: '已提交，答复会显示在本页', asked: '已提出疑问：{state}',
    cases: '我的疑问', answer: '答复', again: '仍有疑问', again_words: '还想问什么', content: '清楚了',
  },
}
