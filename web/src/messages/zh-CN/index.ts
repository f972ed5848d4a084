// SPDX-License-Identifier: Apache-2.0
// The catalogue of this language: one file a page, found by its name.
import type { Words } from '../words'

const files = import.meta.glob<Words>(['./*.ts', '!./index.ts'], { eager: true, import: 'default' })

const messages: Words = {}
for (const [path, part] of Object.entries(files)) messages[path.slice(2, -3)] = part

export default messages
