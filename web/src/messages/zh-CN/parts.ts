// SPDX-License-Identifier: Apache-2.0
// Words that the parts say on every page.
export default {
  loading: '正在载入',
  loading_slow: '比平时慢，还在载入。',
  try_again: '再试一次',
  trace: '追踪号 {trace}',
  reveal: '显示{what}',
  reveal_hint: '显示{what}，会记录',
  cover: '遮住{what}',
  close: '关闭',
  cancel: '取消',
  list_comma: '，',
  none: '—',
  today: '今天',
  yesterday: '昨天',
  error: {
    offline: { title: '连不上服务器', text: '请检查网络。已经显示的内容没有变。' },
    login: { title: '登录已过期', text: '请重新登录，之后会回到这一页。' },
    forbidden: { title: '您看不到这部分', text: '这需要别的身份。请找管理员开通。' },
    missing: { title: '没有找到', text: '它可能已经删除，或者链接写错了。' },
    conflict: { title: '内容刚被别人改过', text: '请重新打开，看过最新的再改。' },
    invalid: { title: '服务器看不懂这次请求', text: '请改一下条件再试。' },
    throttled: { title: '请求太密了', text: '请过几秒再试。' },
    server: { title: '没有载入', text: '服务器出了错，数据没有受影响。请再试一次；还不行，把追踪号告诉管理员。' },
  },
}
