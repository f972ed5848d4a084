// SPDX-License-Identifier: Apache-2.0
// Opening a page and looking at it: pictures, axe, sideways scrolling, words without translation.
import AxeBuilder from '@axe-core/playwright'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { equal, holds } from './check.mjs'
import { overhear } from './quiet.mjs'

export const wide = { width: 1440, height: 900 }
export const laptop = { width: 1366, height: 768 }
export const phone = { width: 390, height: 844 }
/** XINGLIN_SLOW=6: as on a machine six times slower, a tenth of a second and more from the server; what races falls. */
const slow = Number(process.env.XINGLIN_SLOW ?? 1)

export class Visit {
  constructor(page, base, pictures) {
    this.page = page
    this.base = base
    this.pictures = pictures
    this.problems = []
    mkdirSync(pictures, { recursive: true })
    overhear(page)
    page.on('pageerror', (error) => this.problems.push(`script: ${error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of (401|404|412|422|429|500)/.test(message.text())) this.problems.push(`console: ${message.text()}`)
    })
  }

  async slowed() {
    this.slowing ??= this.page.context().newCDPSession(this.page).then(async (devtools) => {
      await devtools.send('Emulation.setCPUThrottlingRate', { rate: slow })
      await devtools.send('Network.enable')
      await devtools.send('Network.emulateNetworkConditions', { offline: false, latency: 20 * slow, downloadThroughput: -1, uploadThroughput: -1 })
    })
    await this.slowing
  }

  async open(path) {
    if (slow > 1) await this.slowed()
    await this.page.goto(this.base + path)
    await this.settled()
  }

  /** Nothing is loading any more. */
  async settled() {
    await this.page.waitForLoadState('networkidle')
    await this.page.waitForFunction(() => document.querySelector('#app')?.childElementCount && !document.querySelector('[aria-busy="true"]'), null, { timeout: 15_000 })
  }

  async text() {
    return this.page.evaluate(() => document.body.innerText)
  }

  async sees(...words) {
    for (const word of words) {
      await this.page.waitForFunction((wanted) => document.body.innerText.includes(wanted), word, { timeout: 8000 }).catch(async () => {
        throw new Error(`"${word}" is not on the page:\n${(await this.text()).slice(0, 600)}`)
      })
    }
  }

  async picture(name) {
    await this.page.screenshot({ path: join(this.pictures, `${name}.png`) })
  }

  /** The page as everyone should find it, at three sizes. */
  async looks_right(name) {
    for (const [size, where] of [[laptop, '1366x768'], [phone, '390x844'], [wide, '1440x900']]) {
      await this.page.setViewportSize(size)
      await this.page.waitForTimeout(150)
      const sideways = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      holds(sideways <= 0, `${name} scrolls sideways by ${sideways} px at ${where}`)
      if (size !== laptop) await this.picture(`${name}-${where}`)
    }
    const untranslated = (await this.text()).match(/\b(?:accounts|activate|apps|audit|card|channels|codes|consent|explorer|exports|home|imports|intake|login|mappings|parts|people|persons|policy|quality|record|registry|screen|security|server|shell|system|terminology|terms|views)\.[a-z_]+(?:\.[a-z_]+)*\b/g)
    equal(untranslated ?? [], [], `${name}: words without translation`)
    await this.accessible(name)
    for (const chart of await this.page.locator('[_echarts_instance_]').all()) await chart.hover({ force: true }) // its tooltip is drawn
    await this.page.mouse.move(0, 0)
    equal(this.problems.splice(0), [], `${name}: errors in the browser`)
  }

  async accessible(name) {
    // What is still fading in has less contrast than it will have; the faint mark of who looks is decoration (WCAG 1.4.3, incidental).
    await this.page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
    await this.page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running' || one.effect?.getTiming().iterations === Infinity), null, { timeout: 5000 })
    const { violations } = await new AxeBuilder({ page: this.page }).exclude('.watermark').withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze()
    const serious = violations.filter((one) => one.impact === 'serious' || one.impact === 'critical')
    equal(serious.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(' | ')}`), [], `${name}: axe`)
  }

  async sign_in(name, secret) {
    await this.open('/login')
    await this.page.fill('input[name=name]', name)
    await this.page.fill('input[name=password]', secret)
    const answered = this.page.waitForResponse((answer) => answer.url().endsWith('/auth/login')) // who goes on before it has no session
    await this.page.keyboard.press('Enter')
    await answered
  }
}
