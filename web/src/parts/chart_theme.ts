// SPDX-License-Identifier: Apache-2.0
// The look of charts, read from the tokens: a chart never names a colour of its own.

export interface ChartColors {
  series: string[]
  ink: string
  ink_2: string
  ink_3: string
  axis: string
  grid: string
  band: string
  line: string
  control: string
  surface: string
  critical: string
  font: string
}

export function chart_colors(element: Element = document.documentElement): ChartColors {
  const style = getComputedStyle(element)
  const token = (name: string, otherwise: string): string => style.getPropertyValue(`--${name}`).trim() || otherwise
  return {
    series: [1, 2, 3, 4, 5, 6].map((at) => token(`c${at}`, 'gray')),
    ink: token('ink', 'black'),
    ink_2: token('ink-2', 'black'),
    ink_3: token('ink-3', 'gray'),
    axis: token('c-axis', 'gray'),
    grid: token('c-grid', 'lightgray'),
    band: token('c-band', 'lightgray'),
    line: token('line-strong', 'lightgray'),
    control: token('control', 'gray'),
    surface: token('surface', 'white'),
    critical: token('critical-fill', 'red'),
    font: token('font', 'sans-serif'),
  }
}

/** The theme that ECharts takes. */
export function chart_theme(colors: ChartColors): Record<string, unknown> {
  const axis = {
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: colors.axis, fontSize: 12 },
    splitLine: { lineStyle: { color: colors.grid, width: 1 } },
    nameTextStyle: { color: colors.ink_3, fontSize: 12 },
  }
  return {
    color: colors.series,
    backgroundColor: 'transparent',
    textStyle: { fontFamily: colors.font, color: colors.ink, fontSize: 12 },
    legend: { icon: 'roundRect', itemWidth: 10, itemHeight: 10, textStyle: { color: colors.ink_2, fontSize: 12 } },
    grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: axis,
    timeAxis: { ...axis, splitLine: { show: false } },
    line: { symbol: 'circle', symbolSize: 6, lineStyle: { width: 2 }, smooth: false },
    bar: { itemStyle: { borderRadius: [1, 1, 0, 0] }, barMaxWidth: 24 },
    // Drawn, not written as HTML: pages allow no inline styles. {b|…} is bold.
    tooltip: { renderMode: 'richText', backgroundColor: colors.surface, borderColor: colors.line, textStyle: { color: colors.ink, fontSize: 13, lineHeight: 20, rich: { b: { fontWeight: 'bold', color: colors.ink } } } },
    animation: false,
  }
}
