// SPDX-License-Identifier: Apache-2.0
// What a resource says of where it came from.
import { describe, expect, it } from 'vitest'
import { distinct, origin_of } from './origin'

describe('the origin of a fact', () => {
  it('is its source and the number of its message', () => {
    expect(origin_of({ meta: { source: 'urn:xinglin:source:liuhe-his#LH100200' } })).toEqual({ source: 'liuhe-his', control: 'LH100200' })
    expect(origin_of({ meta: { source: 'urn:xinglin:source:city:clinic-3' } })).toEqual({ source: 'city:clinic-3', control: '' })
    expect(origin_of({ meta: { source: 'urn:xinglin:source:a#x#y' } })).toEqual({ source: 'a', control: 'x#y' })
  })
  it('is nothing for what did not come as a message', () => {
    expect([undefined, {}, { meta: {} }, { meta: { source: 'urn:uuid:7' } }, { meta: { source: 'urn:xinglin:source:' } }].map(origin_of)).toEqual([null, null, null, null, null])
  })
  it('is said once', () => {
    const one = { source: 'a', control: '1' }
    expect(distinct([one, null, { ...one }, { source: 'a', control: '2' }])).toEqual([one, { source: 'a', control: '2' }])
  })
})
