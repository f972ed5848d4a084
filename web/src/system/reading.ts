// SPDX-License-Identifier: Apache-2.0
// Figures of the server, as the page reads them: what is worst, how long it runs, the chart of its rates.
import type { EChartsCoreOption } from 'echarts/core'
import type { SystemCheck, SystemState, TypeCount } from '../client/types'
import { number } from '../parts/format'

/** Worst first; the order of the server among equals. */
export function worst_first(checks: readonly SystemCheck[]): SystemCheck[] {
  const rank = { critical: 0, warning: 1, good: 2 }
  return checks.map((check, at) => ({ check, at })).sort((a, b) => rank[a.check.status] - rank[b.check.status] || a.at - b.at).map((one) => one.check)
}

export function trouble_of(checks: readonly SystemCheck[]): { status: SystemCheck['status']; count: number } {
  const bad = checks.filter((check) => check.status !== 'good')
  return { status: bad.some((check) => check.status === 'critical') ? 'critical' : bad.length ? 'warning' : 'good', count: bad.length }
}

export interface Uptime {
  days: number
  hours: number
  minutes: number
}
export function uptime(seconds: number): Uptime {
  const minutes = Math.max(0, Math.floor(seconds / 60))
  return { days: Math.floor(minutes / 1440), hours: Math.floor(minutes / 60) % 24, minutes: minutes % 60 }
}

/** One decimal while small, none when it no longer matters. */
export const rate = (value: number): string => (value > 0 && value < 10 ? number(value, 1) : number(Math.round(value)))

/** The fullest types, each with its length against the first; the rest as one count. */
export function bars_of(types: readonly TypeCount[], most: number): { bars: { type: string; count: number; share: number }[]; others: number; other_types: number } {
  const full = types.filter((type) => type.count > 0).sort((a, b) => b.count - a.count || (a.type < b.type ? -1 : 1))
  const rest = full.slice(most)
  const first = full[0]?.count ?? 1
  return { bars: full.slice(0, most).map((type) => ({ type: type.type, count: type.count, share: type.count / first })), others: rest.reduce((sum, type) => sum + type.count, 0), other_types: rest.length }
}

const clock = (at: number): string => {
  const time = new Date(at)
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

/** Writes above, reads below, each on its own scale: an import writes a thousand times what a ward reads. */
export function rates_chart(history: SystemState['history'], words: { writes: string; reads: string; per_second: string }): EChartsCoreOption {
  const points = (key: 'writes_per_s' | 'reads_per_s'): [number, number][] => history.map((sample) => [Date.parse(sample.at), sample[key]])
  const line = (name: string, key: 'writes_per_s' | 'reads_per_s', at: number, symbol: string): Record<string, unknown> => ({ name, type: 'line', data: points(key), xAxisIndex: at, yAxisIndex: at, showSymbol: history.length < 3, symbol, areaStyle: { opacity: 0.1 } })
  const times = (at: number): Record<string, unknown> => ({ type: 'time', gridIndex: at, minInterval: 60_000, axisLabel: { show: at === 1, hideOverlap: true, formatter: (time: number) => clock(time).slice(0, 5) } })
  const scale = (name: string, at: number): Record<string, unknown> => ({ type: 'value', gridIndex: at, name, nameTextStyle: { align: 'left' }, nameGap: 10, min: 0, minInterval: 1, splitNumber: 2, axisLabel: { formatter: (value: number) => number(value) } })
  return {
    grid: [{ left: 52, right: 12, top: 26, height: 82, containLabel: false }, { left: 52, right: 12, top: 138, height: 82, containLabel: false }],
    tooltip: { trigger: 'axis', valueFormatter: (value: unknown) => `${rate(Number(value))} ${words.per_second}` },
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    xAxis: [times(0), times(1)],
    yAxis: [scale(words.writes, 0), scale(words.reads, 1)],
    series: [line(words.writes, 'writes_per_s', 0, 'circle'), line(words.reads, 'reads_per_s', 1, 'rect')],
  }
}

export { clock }
