// SPDX-License-Identifier: Apache-2.0
// A text that is already here, given to the browser as a file.

/** CSV in which no text begins like a formula: a spreadsheet would take it for one, whoever wrote it. Numbers stay numbers. */
export function formula_safe(csv: string): string {
  return csv.replace(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/g, (all, field: string, end: string) => {
    const quoted = field.startsWith('"')
    const text = quoted ? field.slice(1) : field
    if (!/^[=+\-@\t\r]/.test(text) || /^[-+]?\d+(\.\d+)?"?$/.test(text)) return all
    return `${quoted ? '"' : ''}'${text}${end}`
  })
}

export function download(text: string, name: string, kind: string): void {
  // Tables open in spreadsheets; without the mark some read UTF-8 as something else.
  const address = URL.createObjectURL(new Blob([kind === 'text/csv' ? '\ufeff' : '', text], { type: `${kind};charset=utf-8` }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
