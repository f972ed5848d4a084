// SPDX-License-Identifier: Apache-2.0
// The e-health card: issued at the counter, shown by the resident, scanned by a hand scanner, refused when it comes again, lost, replaced, printed.
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { phone, Visit, wide } from './visit.mjs'

const api = 'application/fhir+json'
/** GB 11643: numbers of area 130399, which there is none of. */
function number_of(birth, order) {
  const body = `130399${birth}${String(order).padStart(3, '0')}`
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  return body + '10X98765432'[weights.reduce((sum, weight, at) => sum + weight * Number(body[at]), 0) % 11]
}
const someone = (id, name, birth, order) => ({ resourceType: 'Patient', id, name: [{ text: name }], gender: 'female', birthDate: birth, identifier: [{ system: 'urn:oid:2.16.156.10011.1.3', value: number_of(birth.replaceAll('-', ''), order) }] })

/** Keys as a hand scanner sends them, into whatever has the focus. */
async function scan(page, token) {
  await page.evaluate((text) => {
    const send = (key, code) => (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true }))
    for (const letter of text) send(letter, /\d/.test(letter) ? `Digit${letter}` : `Key${letter}`)
    send('Enter', 'Enter')
  }, token)
}

export async function card(browser, server, pictures) {
  const put = async (resource) => {
    const answer = await fetch(`${server.base}/fhir/${resource.resourceType}/${resource.id}`, { method: 'PUT', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': api }, body: JSON.stringify(resource) })
    holds(answer.ok, `${resource.id}: ${answer.status}`)
  }
  await put(someone('e2e-resident', '卡云霞', '1988-04-05', 26))
  await put(someone('e2e-child', '卡小满', '2021-05-21', 27))

  const open = async (size) => {
    const context = await browser.newContext({ viewport: size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
    const visit = new Visit(await context.newPage(), server.base, pictures)
    return { visit, page: visit.page, close: () => context.close() }
  }
  const desk = await open(wide), mine = await open(phone)
  const check = (name, body) => test(name, body, (failed) => Promise.all([desk, mine].map((one, at) => one.visit.picture(`failed-${at}-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))))
  const token = async () => {
    await mine.page.waitForSelector('svg[data-token]')
    return mine.page.getAttribute('svg[data-token]', 'data-token')
  }
  await desk.visit.sign_in('doctor', password)
  await desk.visit.sees('找谁')
  await mine.visit.sign_in('cardholder', password)

  await check('a resident takes out a card and shows it on the phone', async () => {
    await mine.visit.sees('我的健康卡')
    await mine.page.getByRole('link', { name: '我的健康卡' }).click()
    await mine.visit.sees('还没有健康卡')
    await mine.page.getByRole('button', { name: '领取健康卡' }).click()
    await mine.visit.sees('秒后失效', '卡**')
    equal((await token()).length, 144)
    await mine.visit.looks_right('card-mine')
    await mine.page.setViewportSize(phone)
  })
  await check('scanned on any page it opens the record, and not a second time', async () => {
    const shown = await token()
    await desk.visit.open('/people')
    await scan(desk.page, shown)
    await desk.page.waitForURL(/\/people\/e2e-resident/)
    await desk.visit.sees('卡云霞')
    await scan(desk.page, shown.toLowerCase())
    await desk.visit.sees('已使用过')
    equal(new URL(desk.page.url()).pathname, '/card/scan')
    await desk.visit.looks_right('card-scan-replayed')
  })
  await check('the counter gives the card of a child to its family', async () => {
    await desk.visit.open('/card/person/e2e-child')
    await desk.page.getByRole('button', { name: '发卡' }).click()
    await desk.visit.sees('有效')
    await desk.page.getByRole('button', { name: '添加家庭卡' }).click()
    for (let i = 0; i < 20 && (await desk.page.locator('input[type=radio]').count()) === 0; ++i) {
      await desk.page.getByLabel('由谁出示').first().fill('')
      await desk.page.getByLabel('由谁出示').first().fill('卡云霞')
      await desk.page.waitForTimeout(600)
    }
    await desk.page.locator('input[type=radio]').first().check()
    await desk.page.getByLabel('核对了什么').fill('户口簿')
    await desk.page.getByRole('button', { name: '添加', exact: true }).click()
    await desk.visit.sees('父母', '生效中')
    await desk.visit.looks_right('card-person')
    await mine.visit.open('/card')
    await mine.page.getByRole('button', { name: '家庭卡' }).click()
    await mine.visit.sees('家庭卡，至')
    await scan(desk.page, await token())
    await desk.page.waitForURL(/\/people\/e2e-child/)
  })
  await check('a printed card asks for a document', async () => {
    await desk.visit.open('/card/person/e2e-resident')
    await desk.page.getByRole('button', { name: '打印纸质卡' }).click()
    await desk.visit.sees('纸质健康卡'.slice(0, 2), '出示时请同时出示身份证件')
    const printed = await desk.page.getAttribute('.paper svg[data-token]', 'data-token')
    await desk.page.getByRole('button', { name: '关闭' }).click()
    await scan(desk.page, printed)
    await desk.visit.sees('请核对证件', '卡**')
    await desk.page.getByLabel('证件号后四位').fill(number_of('19880405', 26).slice(-4))
    await desk.page.getByRole('button', { name: '打开档案' }).click()
    await desk.page.waitForURL(/\/people\/e2e-resident/)
  })
  await check('a lost card is dead at once, and replaced at the counter', async () => {
    await mine.visit.open('/card')
    const before = await token()
    await mine.page.getByRole('button', { name: '挂失' }).click()
    await mine.page.getByRole('dialog').getByRole('button', { name: '挂失' }).click()
    await mine.visit.sees('已于', '挂失')
    await scan(desk.page, before)
    await desk.visit.sees('已失效')
    await desk.visit.open('/card/person/e2e-resident')
    await desk.page.getByRole('button', { name: '换发' }).click()
    await desk.page.getByRole('dialog').getByRole('button', { name: '换发' }).click()
    await desk.visit.sees('已换发', '新卡')
    await mine.visit.open('/card')
    await scan(desk.page, await token())
    await desk.page.waitForURL(/\/people\/e2e-resident/)
  })
  await desk.close()
  await mine.close()
}
