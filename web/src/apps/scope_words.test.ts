// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { lines_of, may_go_to } from './scope_words'

describe('scopes in words', () => {
  it('say what may be done, with the condition as it is meant', () => {
    const [laboratory, all] = lines_of([
      { scope: 'patient/Observation.rs?category=a%7Cb', whose: 'patient', type: 'Observation', actions: 'rs', query: 'category=a%7Cb' },
      { scope: 'user/*.cruds', whose: 'user', type: '*', actions: 'cruds', query: '' },
    ])
    expect(laboratory).toMatchObject({ message: 'apps.line.patient', type: 'Observation', actions: ['read'], condition: 'category=a|b' })
    expect(all).toMatchObject({ message: 'apps.line.user', type: '', actions: ['read', 'write', 'erase'], condition: '' })
  })

  it('never lead to an address that a browser runs', () => {
    for (const fine of ['https://app.example/cb?code=1', 'http://127.0.0.1:4/cb', 'http://localhost/cb', 'com.example.app:/cb']) expect(may_go_to(fine), fine).toBe(true)
    for (const bad of ['javascript:alert(1)', 'data:text/html,x', '//evil.example', '/x', 'http://evil.example/', 'http://localhost.evil.example/', 'vbscript:x', '']) expect(may_go_to(bad), bad).toBe(false)
  })
})
