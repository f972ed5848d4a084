// SPDX-License-Identifier: Apache-2.0
// Which pages are about persons: those carry the reader's name.
const about_persons = ['/people', '/persons', '/card', '/documents', '/emergency', '/explorer']
export const shows_persons = (path: string): boolean => about_persons.some((each) => path === each || path.startsWith(`${each}/`))
