// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { password_fault } from './password_rule'

const fault = (fresh: string, repeat = fresh, name = 'doctor', old = 'old-password-1'): string | null => password_fault({ old, fresh, repeat, name })

it('says what is wrong with a new password, the first thing first', () => {
  expect(fault('short')).toBe('short')
  expect(fault('old-password-1')).toBe('same')
  expect(fault('my-Doctor-2026')).toBe('name')
  expect(fault('aaaabbbbaaaa')).toBe('simple')
  expect(fault('apricot forest 9', 'apricot forest 8')).toBe('repeat')
  expect(fault('apricot forest 9')).toBeNull()
  expect(fault('杏林春暖满人间九十九')).toBeNull()
})
