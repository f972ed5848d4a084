// SPDX-License-Identifier: Apache-2.0
// A text that is already here, given to the browser as a file.

export function download(text: string, name: string, kind: string): void {
  // Tables open in spreadsheets; without the mark some read UTF-8 as something else.
  const address = URL.createObjectURL(new Blob([kind === 'text/csv' ? '\ufeff' : '', text], { type: `${kind};charset=utf-8` }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
