// SPDX-License-Identifier: Apache-2.0
// Sources, messages, the error queue, the ledger and the wall, in a real browser against the real server.
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { Visit, wide } from './visit.mjs'

const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
const hl7 = (control, born = '19790228') =>
  [
    `MSH|^~\\&|HIS|E2E|XINGLIN|XINGLIN|${stamp}||ADT^A04^ADT_A01|${control}|P|2.4|||AL|NE|CHN|UTF-8`,
    `EVN|A04|${stamp}`,
    `PID|1||E2E-7001^^^E2E^MR||张^建军||${born}|M|||柳河路 1 号^^山海关区^河北省`,
    `PV1|1|O|内科门诊^^^E2E||||0131^李^静||||||||||||V-${control}^^^E2E|||||||||||||||||||||||||${stamp}`,
    '',
  ].join('\r')

export async function intake(browser, server, pictures) {
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', acceptDownloads: true })
  const visit = new Visit(await context.newPage(), server.base, pictures)
  const { page } = visit
  const check = (name, body) => test(name, body, (failed) => visit.picture(`failed-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))
  const send = (control, born) => fetch(`${server.base}/api/v1/intake/messages?source=e2e-his&wait=stored`, { method: 'POST', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/hl7-v2' }, body: hl7(control, born) })
  await visit.sign_in('admin', password)
  await visit.sees('找谁')

  await check('a source is added by hand, and what is wrong is said before it is sent', async () => {
    await visit.open('/sources')
    await visit.sees('接入清单')
    await page.locator('button:has-text("接入机构")').first().click()
    await page.fill('dialog input[maxlength="80"]', '端到端医院 HIS')
    await page.fill('dialog input[maxlength="40"]', 'E2E HIS')
    await page.click('dialog button.pri')
    await visit.sees('编号用小写字母')
    await visit.accessible('the form of a source')
    await page.fill('dialog input[maxlength="40"]', 'e2e-his')
    await page.click('dialog .seg >> text=HTTP')
    await page.click('dialog button.pri')
    await page.waitForURL((url) => url.pathname === '/sources/e2e-his')
    await visit.sees('端到端医院 HIS')
  })
  await check('messages are stored, recognised when they come again, and rejected with a reason', async () => {
    equal((await send('E2E-1')).status, 200, 'the first')
    equal((await (await send('E2E-1')).json()).state, 'duplicate', 'again')
    const bad = await fetch(`${server.base}/api/v1/intake/messages?source=e2e-his&wait=stored`, { method: 'POST', headers: { Authorization: `Bearer ${server.token}` }, body: 'no message at all' })
    equal(bad.status, 422, 'nonsense')
  })
  await check('the list of sources, a source, messages and the ledger look right', async () => {
    await visit.open('/sources')
    await visit.sees('端到端医院 HIS')
    await visit.looks_right('sources')
    await page.click('tbody tr:has-text("端到端医院 HIS") td:last-child')
    await page.waitForURL((url) => url.searchParams.get('source') === 'e2e-his')
    await visit.open('/sources/e2e-his')
    await page.waitForSelector('.tiles')
    await visit.looks_right('source')
    await visit.open('/messages?source=e2e-his')
    await page.waitForSelector('tbody tr')
    equal(await page.locator('tbody tr').count(), 3, 'messages')
    await visit.looks_right('messages')
    await page.selectOption('select[aria-label="状态"]', 'rejected')
    await page.waitForURL((url) => url.searchParams.get('state') === 'rejected')
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1)
    await visit.open('/ledger')
    await visit.sees('平，每一条都有下落')
    await visit.looks_right('ledger')
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('a:has-text("CSV")')])
    holds(/^ledger-.*\.csv$/.test(file.suggestedFilename()), file.suggestedFilename())
  })
  await check('a message is explained field by field, and leads to what it became', async () => {
    await visit.open('/messages?source=e2e-his&state=stored')
    await page.locator('tbody tr').first().click()
    await page.waitForURL((url) => /^\/messages\/\d+$/.test(url.pathname))
    await page.waitForSelector('.segments button')
    await page.locator('.segments button[title="PID-5"]').click()
    await visit.sees('PID-5')
    holds((await page.locator('.explain').innerText()).includes('建军'), 'the name is explained')
    await visit.looks_right('message')
    await page.locator('.resources a').first().click()
    await page.waitForURL((url) => url.pathname.startsWith('/explorer/'))
    visit.problems.length = 0
  })
  await check('a rejected message is edited, compared, sent again; the old one is ignored', async () => {
    await visit.open('/errors')
    await visit.sees('端到端医院 HIS')
    await visit.looks_right('errors')
    await page.locator('.groups a:has-text("看例子")').first().click()
    await page.waitForURL((url) => url.pathname.startsWith('/messages/'))
    await visit.sees('没有入库')
    await visit.looks_right('message-rejected')
    await page.click('button:has-text("改了再送")')
    await page.fill('textarea', hl7('E2E-2').replaceAll('\r', '\n'))
    await page.waitForSelector('.diff tr.new')
    await page.click('button:has-text("送出改过的")')
    await visit.sees('请写为什么这样改。')
    await visit.accessible('an edited message')
    await page.locator('.foot input').fill('对方误发，按电话核对补录')
    await page.click('button:has-text("送出改过的")')
    await page.waitForFunction(() => !document.querySelector('textarea'))
    await visit.open('/messages?source=e2e-his&state=ignored')
    await page.waitForSelector('tbody tr')
    visit.problems.length = 0
  })
  await check('a source is paused and goes on', async () => {
    await visit.open('/sources/e2e-his')
    await page.click('button:has-text("暂停接收")')
    await visit.sees('已暂停')
    await page.click('button:has-text("恢复接收")')
    await page.waitForSelector('button:has-text("暂停接收")')
    visit.problems.length = 0
  })
  await check('the person shows where a fact came from', async () => {
    const found = await (await page.request.get(`${server.base}/fhir/Encounter?_source=${encodeURIComponent('urn:xinglin:source:e2e-his')}&_count=1`)).json().catch(() => ({}))
    const subject = found.entry?.[0]?.resource?.subject?.reference ?? ''
    if (!subject.startsWith('Patient/')) return
    await visit.open(`/people/${subject.slice(8)}/encounters`)
    await visit.sees('来自 端到端医院 HIS')
    visit.problems.length = 0
  })
  const wall = (await page.request.get(`${server.base}/api/v1/screen`)).ok()
  if (wall) await check('the wall fits its screen, twice as large too, and shows the sources', async () => {
    await visit.open('/screen')
    await visit.sees('到达最多', '端到端医院 HIS')
    await page.waitForSelector('.mp svg path')
    for (const size of [{ width: 1920, height: 1080 }, { width: 3840, height: 2160 }]) {
      await page.setViewportSize(size)
      await page.waitForTimeout(200)
      const room = await page.evaluate(() => [document.documentElement.scrollWidth - window.innerWidth, document.documentElement.scrollHeight - window.innerHeight])
      equal(room, [0, 0], `scrolls at ${size.width}`)
      await visit.picture(`screen-${size.width}`)
    }
    await page.setViewportSize(wide)
    await visit.accessible('the wall')
    holds(!(await visit.text()).includes('建军'), 'no names')
    visit.problems.length = 0
  })
  await check('the pages of intake speak English too', async () => {
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'en'))
    for (const path of ['/sources', '/sources/e2e-his', '/messages', '/errors', '/ledger', ...(wall ? ['/screen'] : [])]) {
      await visit.open(path)
      const left = (await visit.text()).match(/\p{Script=Han}+/gu) ?? []
      equal(left.filter((word) => !['管理员', '管', '端到端医院', '山海关区', '对方误发', '按电话核对补录'].includes(word) && path !== '/screen'), [], `${path}: Chinese on an English page`)
      if (path !== '/screen') await visit.looks_right(`en-intake${path.replaceAll('/', '-')}`)
    }
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'zh-CN'))
    visit.problems.length = 0
  })
  await context.close()
}
