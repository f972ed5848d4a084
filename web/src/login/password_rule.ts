// SPDX-License-Identifier: Apache-2.0
// What a new password must be, said before it is sent. The server has the last word (it also knows the common ones).

export type PasswordFault = 'short' | 'same' | 'repeat' | 'name' | 'simple'

export function password_fault(password: { old: string; fresh: string; repeat: string; name: string }): PasswordFault | null {
  const letters = Array.from(password.fresh)
  if (letters.length < 10) return 'short'
  if (password.fresh === password.old) return 'same'
  if (password.name && password.fresh.toLowerCase().includes(password.name.toLowerCase())) return 'name'
  if (new Set(letters).size < 5) return 'simple'
  if (password.fresh !== password.repeat) return 'repeat'
  return null
}
