// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { formula_safe } from './download'

describe('a table for a spreadsheet', () => {
  it('holds no formula that somebody typed as a name', () => {
    expect(formula_safe('name,n\r\n=cmd|calc,1\r\n"=HYPERLINK(""http://x"",""y"")",-5\r\n@SUM(1),+2.5\r\n-1+1,a=b\r\n')).toBe(
      'name,n\r\n\'=cmd|calc,1\r\n"\'=HYPERLINK(""http://x"",""y"")",-5\r\n\'@SUM(1),+2.5\r\n\'-1+1,a=b\r\n',
    )
  })
  it('is otherwise as it was', () => {
    for (const text of ['', 'a,b\r\n"x,=y","line\n=z"\r\n', 'a\n,\n"",""\n']) expect(formula_safe(text)).toBe(text)
  })
})
