// SPDX-License-Identifier: Apache-2.0
// Residents make their own account.
export default {
  title: '居民激活',
  text: '用身份证号和电子健康卡号，我们把验证码发到您档案里登记的手机上。',
  identity: '身份证号',
  card: '电子健康卡号',
  card_where: '卡面上，或扫码得到的内容',
  send: '发送验证码',
  sent: '如果您填的和档案一致，验证码已经发到登记的手机上，10 分钟内有效。',
  demo: '这是演示：验证码写在服务器的日志里。',
  code: '短信里的 6 位数字',
  name: '给账号起个名字',
  name_rule: '小写字母、数字、点、横线，2 到 64 个',
  finish: '激活',
  again: '重新填写',
  ready: '账号 {name} 可以用了。请设一个自己的密码。',
  to_login: '已有账号，去登录',
  not_offered: '这里不能自助激活',
  counter: '请带上身份证，到就近的卫生服务中心窗口办理。',
  fault: {
    code: '验证码不对或已过期，或者填的内容和档案不一致。请重新填写，或到窗口办理。',
    often: '问得太多了，请过一小时再试，或到窗口办理。',
    name: '这个名字不能用，换一个。',
  },
}
