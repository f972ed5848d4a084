// SPDX-License-Identifier: Apache-2.0
// The seven states and their solid glyphs: the shape carries the meaning, the colour only repeats it.
export type Status = 'critical' | 'warning' | 'notice' | 'good' | 'info' | 'quiet' | 'grave'

export const glyphs: Record<Status, string> = {
  critical:
    '<path d="M8 1.6 15 14H1z" fill="currentColor"/><path d="M8 6v4M8 11.9v.2" stroke="var(--surface)" stroke-width="1.6" stroke-linecap="round"/>',
  warning:
    '<path d="M8 1.2 14.8 8 8 14.8 1.2 8z" fill="currentColor"/><path d="M8 5v3.6M8 10.8v.2" stroke="var(--surface)" stroke-width="1.6" stroke-linecap="round"/>',
  notice:
    '<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.8"/><path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor"/>',
  good:
    '<circle cx="8" cy="8" r="6.6" fill="currentColor"/><path d="M5.2 8.3l2 2 3.7-4.2" fill="none" stroke="var(--surface)" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>',
  info:
    '<rect x="2" y="2" width="12" height="12" rx="3" fill="currentColor"/><path d="M8 7.4v4M8 4.9v.2" stroke="var(--surface)" stroke-width="1.6" stroke-linecap="round"/>',
  quiet:
    '<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.7"/><path d="M5.3 8h5.4" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"/>',
  grave:
    '<path d="M4.9 1.5h6.2l3.4 3.4v6.2l-3.4 3.4H4.9l-3.4-3.4V4.9z" fill="currentColor"/><path d="M5 8h6" stroke="var(--surface)" stroke-width="1.8" stroke-linecap="round"/>',
}
