// SPDX-License-Identifier: Apache-2.0
// What goes out, in a real browser against the real server, to a receiver that takes and refuses as it is told.
import { createServer } from 'node:http'
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { Visit, wide } from './visit.mjs'

/** A FHIR server of few words: refuses transactions in which a name stands. */
async function receiver() {
  const state = { refuses: '', came: [] }
  const server = createServer((request, response) => {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString()
      state.came.push(body)
      const bad = state.refuses && body.includes(state.refuses)
      const entry = bad ? [] : JSON.parse(body).entry.map(() => ({ response: { status: '201 Created' } }))
      response.writeHead(bad ? 422 : 200, { 'Content-Type': 'application/fhir+json' })
      response.end(JSON.stringify(bad ? { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'value', diagnostics: 'no such person here' }] } : { resourceType: 'Bundle', type: 'transaction-response', entry }))
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return { state, port: server.address().port, stop: () => new Promise((done) => server.close(done)) }
}

export async function channels(browser, server, pictures) {
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', acceptDownloads: true })
  const visit = new Visit(await context.newPage(), server.base, pictures)
  const { page } = visit
  const check = (name, body) => test(name, body, (failed) => visit.picture(`failed-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))
  const put = (id) => fetch(`${server.base}/fhir/Patient/${id}`, { method: 'PUT', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/fhir+json' }, body: JSON.stringify({ resourceType: 'Patient', id, name: [{ text: '试送' }], gender: 'male' }) })
  const other = await receiver()
  try {
    await visit.sign_in('admin', password)
    await visit.sees('找谁')
    await check('a channel is made by hand, and what is wrong is said before it is sent', async () => {
      await visit.open('/channels')
      await visit.sees('推送通道')
      await page.locator('button:has-text("新建通道")').first().click()
      await page.locator('dialog input').nth(0).fill('端到端接收方')
      await page.locator('dialog input').nth(2).fill('e2e-receiver')
      await page.click('dialog button.pri')
      await visit.sees('请写完整的地址')
      await visit.accessible('the form of a channel')
      await page.fill('dialog input[placeholder^="https://"]', `http://127.0.0.1:${other.port}/fhir`)
      await page.fill('dialog input[placeholder="Encounter"]', 'Patient')
      await page.fill('dialog input[placeholder^="status="]', 'colour=red')
      await page.click('dialog button.pri')
      await visit.sees('不是 Patient 的检索条件')
      visit.problems.length = 0
      await page.fill('dialog input[placeholder^="status="]', 'gender=male')
      await page.click('dialog summary')
      await page.check('dialog label:has-text("去标识") input')
      await visit.sees('罕见情况仍可能认出人')
      await visit.picture('channel-form')
      await visit.accessible('the form of a channel without persons')
      await page.uncheck('dialog label:has-text("去标识") input')
      await page.click('dialog button.pri')
      await page.waitForURL((url) => url.pathname === '/channels/e2e-receiver')
      await visit.sees('端到端接收方', 'gender=male')
      await page.click('button:has-text("恢复发送")')
      await page.waitForSelector('button:has-text("暂停发送")')
    })
    await check('what changes goes out and is acknowledged; what is refused waits for a person', async () => {
      other.state.refuses = 'e2e-bad'
      equal((await put('e2e-good')).ok, true, 'stored')
      equal((await put('e2e-bad')).ok, true, 'stored')
      await page.waitForFunction(() => document.querySelectorAll('.deliveries tbody tr').length === 2, null, { timeout: 20_000 })
      await page.waitForFunction(() => document.querySelector('.deliveries')?.textContent.includes('被退回'), null, { timeout: 20_000 })
      await visit.looks_right('channel')
      await page.locator('.deliveries tbody tr:has-text("被退回")').click()
      await visit.sees('no such person here')
      await visit.accessible('a delivery')
      await visit.picture('channel-delivery')
      other.state.refuses = ''
      await page.click('dialog button:has-text("重送")')
      await page.waitForFunction(() => !document.querySelector('.deliveries')?.textContent.includes('被退回'), null, { timeout: 20_000 })
      holds(other.state.came.length >= 3, 'sent again')
      await page.keyboard.press('Escape')
      visit.problems.length = 0
    })
    await check('the day is even, on the page and in the file', async () => {
      await visit.open('/channels')
      await visit.sees('平，都有着落')
      await visit.looks_right('channels')
      const [file] = await Promise.all([page.waitForEvent('download'), page.locator('tr:has-text("端到端接收方") a:has-text("CSV")').click()])
      holds(/^reconciliation-e2e-receiver-.*\.csv$/.test(file.suggestedFilename()), file.suggestedFilename())
    })
    await check('a trial shows what would be sent, and that the receiver can be reached', async () => {
      await visit.open('/channels/e2e-receiver')
      await page.click('button:has-text("试送")')
      await page.fill('dialog input', 'Patient/e2e-good')
      await page.click('dialog button.pri')
      await visit.sees('能连上对方')
      await visit.sees('会送出')
      await page.keyboard.press('Escape')
      visit.problems.length = 0
    })
    await check('a channel is changed, paused and turned off', async () => {
      await visit.open('/channels/e2e-receiver')
      await page.click('button:has-text("修改通道")')
      await page.locator('dialog input').nth(3).fill('信息科')
      await page.click('dialog button.pri')
      await page.waitForFunction(() => document.querySelector('header.head')?.textContent.includes('信息科'))
      await page.click('button:has-text("暂停发送")')
      await page.waitForSelector('button:has-text("恢复发送")')
      await page.click('button:has-text("停用")')
      await page.waitForSelector('button:has-text("启用")')
      visit.problems.length = 0
    })
  } finally {
    await other.stop()
    await context.close()
  }
}
