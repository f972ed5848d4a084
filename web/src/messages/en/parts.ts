// SPDX-License-Identifier: Apache-2.0
// Words that the parts say on every page.
export default {
  loading: 'Loading',
  loading_slow: 'Slower than usual, still loading.',
  try_again: 'Try again',
  trace: 'Trace {trace}',
  reveal: 'Show {what}',
  reveal_hint: 'Show {what}; this is recorded',
  cover: 'Cover {what}',
  close: 'Close',
  cancel: 'Cancel',
  list_comma: ', ',
  none: '—',
  today: 'Today',
  yesterday: 'Yesterday',
  error: {
    offline: { title: 'The server can’t be reached', text: 'Check the network. What is shown has not changed.' },
    login: { title: 'Your session has ended', text: 'Sign in again and you come back to this page.' },
    forbidden: { title: 'You can’t see this part', text: 'It needs another role. Ask your administrator.' },
    missing: { title: 'Not found', text: 'It may have been deleted, or the link is mistyped.' },
    conflict: { title: 'Someone has just changed this', text: 'Open it again and look at the latest version first.' },
    invalid: { title: 'The server can’t read this request', text: 'Change the conditions and try again.' },
    throttled: { title: 'Too many requests', text: 'Wait a few seconds and try again.' },
    server: { title: 'Not loaded', text: 'The server had a fault; no data was affected. Try again, or give the trace to your administrator.' },
  },
}
