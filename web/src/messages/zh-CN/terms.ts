// SPDX-License-Identifier: Apache-2.0
// Words of the record: sex, age, kinds of contact, states.
export default {
  /** Relationships: v3-RoleCode. */
  relation: { MTH: '母亲', FTH: '父亲', PRN: '父母', CHILD: '子女', CHLD: '子女', SON: '儿子', DAU: '女儿', SPS: '配偶', HUSB: '丈夫', WIFE: '妻子', SIB: '兄弟姐妹', GRPRN: '祖父母', GUARD: '监护人', FRND: '朋友', ECON: '紧急联系人', NOK: '近亲属', SELF: '本人' },
  nameless: '未登记姓名',
  sex: { male: '男', female: '女', other: '其他', unknown: '性别未知' },
  age: { days: '{n} 天', months: '{n} 个月', years: '{n} 岁', unknown: '年龄未知' },
  contact: { outpatient: '门诊', emergency: '急诊', inpatient: '住院', follow_up: '随访', check_up: '体检', home: '上门', virtual: '线上' },
  happening: { condition: '诊断', observation: '结果', procedure: '操作', medication: '用药', immunization: '接种', report: '报告', imaging: '影像', document: '文书', plan: '照护计划', allergy: '过敏' },
  category: { 'vital-signs': '生命体征', laboratory: '检验', imaging: '影像', survey: '量表', procedure: '操作', exam: '查体', 'social-history': '生活史', other: '其他' },
  condition: { active: '在管', recurrence: '复发', relapse: '复发', inactive: '不活动', remission: '缓解', resolved: '已愈' },
  encounter: { planned: '已预约', arrived: '已到', triaged: '已分诊', 'in-progress': '进行中', onleave: '请假', finished: '已结束', cancelled: '已取消' },
  event: { preparation: '准备中', 'in-progress': '进行中', 'not-done': '未做', 'on-hold': '暂停', stopped: '中止', completed: '已完成', unknown: '不详' },
  medication: { active: '在用', 'on-hold': '暂停', cancelled: '已取消', completed: '已用完', stopped: '已停', draft: '草稿', unknown: '不详', intended: '将用', 'not-taken': '没有用' },
  observation: { registered: '已登记', preliminary: '初步', final: '最终', amended: '已修订', corrected: '已更正', cancelled: '已取消', unknown: '不详' },
  paper: { registered: '已登记', partial: '部分', preliminary: '初步', final: '最终', amended: '已修订', corrected: '已更正', appended: '已补充', cancelled: '已取消', current: '现行', superseded: '已替代', available: '可看', active: '进行中', completed: '已完成', draft: '草稿', 'on-hold': '暂停', revoked: '已撤销', unknown: '不详' },
  criticality: { low: '低风险', high: '高风险', 'unable-to-assess': '风险不明' },
  identifier: { ni: '身份证', nnchn: '身份证', national_id: '身份证', ppn: '护照', passport_number: '护照', dl: '驾驶证', driver_s_license: '驾驶证', ss: '社保号', social_security_number: '社保号', mr: '病历号', medical_record_number: '病历号', mc: '医保号', jhn: '健康卡', '2_16_156_10011_1_3': '身份证', '2_16_156_10011_1_2': '健康档案号', '2_16_156_10011_1_19': '健康卡', '2_16_156_10011_1_11': '门诊号', '2_16_156_10011_1_12': '住院号', '2_16_156_10011_1_15': '医保号' },
  marital: { m: '已婚', married: '已婚', s: '未婚', never_married: '未婚', d: '离婚', divorced: '离婚', w: '丧偶', widowed: '丧偶', unk: '不详', l: '分居', legally_separated: '分居', t: '同居', domestic_partner: '同居' },
  language: { zh: '中文', zh_cn: '中文', chinese: '中文', en: '英语', en_us: '英语', english: '英语', es: '西班牙语', spanish: '西班牙语', fr: '法语', french: '法语', de: '德语', german: '德语', it: '意大利语', italian: '意大利语', pt: '葡萄牙语', portuguese: '葡萄牙语', ja: '日语', ko: '韩语', ru: '俄语', russian: '俄语' },
  role: { administrator: '管理员', clinician: '医生', epidemiologist: '流行病学人员', planner: '规划人员', operator: '运维人员', auditor: '审计员', resident: '居民', system: '系统账号', 'institution-administrator': '机构管理员' },
  access: { read: '查看', search: '查询', reveal: '显示证件或电话', print: '打印', update: '修改', create: '写入', delete: '删除', history: '看历史', everything: '查看全部', export: '导出', import: '导入' },
  as_needed: '需要时用',
  each: '每次 {amount}',
  per: { s: '{per} 秒 {times} 次', min: '{per} 分钟 {times} 次', h: '每 {per} 小时 {times} 次', d: '每日 {times} 次 | 每 {per} 日 {times} 次', wk: '每周 {times} 次 | 每 {per} 周 {times} 次', mo: '每月 {times} 次 | 每 {per} 个月 {times} 次', a: '每年 {times} 次 | 每 {per} 年 {times} 次' },
  resource: { Patient: '居民', Encounter: '就诊', Observation: '观察结果', Condition: '诊断', Procedure: '操作', MedicationRequest: '处方', MedicationStatement: '用药', Immunization: '接种', DiagnosticReport: '诊断报告', DocumentReference: '文书', CarePlan: '照护计划', CareTeam: '照护团队', Goal: '目标', ImagingStudy: '影像检查', AllergyIntolerance: '过敏', Organization: '机构', Practitioner: '医务人员', PractitionerRole: '岗位', Location: '地点', Claim: '费用申请', ExplanationOfBenefit: '费用结算', Coverage: '医保', Device: '器械', Medication: '药品', ServiceRequest: '申请单', Specimen: '标本', Task: '任务', AuditEvent: '审计', Provenance: '来源' },
}
