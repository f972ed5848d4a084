// SPDX-License-Identifier: Apache-2.0
// Files sent in to be imported, and how far they are.
import { call, upload } from './call'
import type { Import } from './types'

/** The server takes no larger body. */
export const largest_import_bytes = 512 * 1024 * 1024

const job = (id: string): string => `/api/v1/imports/${encodeURIComponent(id)}`

export const imports = async (signal?: AbortSignal): Promise<Import[]> => (await call<{ imports: Import[] }>('/api/v1/imports', { signal })).imports

/** `check`: the structure of resources alone, or also R4's rules and the profiles they claim. */
export const send_import = async (file: File, check: 'structure' | 'profiles', on_progress: (sent: number) => void, signal?: AbortSignal): Promise<string> =>
  (await upload<{ id: string }>(`/api/v1/imports?name=${encodeURIComponent(file.name)}&check=${check}`, file, on_progress, signal)).id

export const cancel_import = (id: string): Promise<void> => call<void>(`${job(id)}/cancel`, { method: 'POST' })

/** Where the entries that were not stored can be fetched, one a line with its reason. */
export const rejected_address = (id: string): string => `${job(id)}/rejected`

export const rejected_text = (id: string, signal?: AbortSignal): Promise<string> => call<string>(rejected_address(id), { raw: true, signal })
