// SPDX-License-Identifier: Apache-2.0
// Second factor, recovery code, sessions; an institution's administrator adds a doctor; a resident activates. Names of this scene's own.
import { createHmac } from 'node:crypto'
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { phone, Visit, wide } from './visit.mjs'

/** RFC 6238, for the device that the scene plays. */
function totp(base32, aside = 0) {
  let bits = ''
  for (const letter of base32.replaceAll(' ', '')) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + aside))
  const mac = createHmac('sha1', secret).update(step).digest()
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0')
}

export async function accounts(browser, server, pictures) {
  const api = async (method, path, body) => {
    const answer = await fetch(`${server.base}${path}`, { method, headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/fhir+json' }, body: JSON.stringify(body) })
    holds(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`)
    return answer.json()
  }
  const open = async (size) => {
    const context = await browser.newContext({ viewport: size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
    const visit = new Visit(await context.newPage(), server.base, pictures)
    return { visit, page: visit.page, close: () => context.close() }
  }
  const desk = await open(wide), other = await open(wide), mine = await open(phone)
  const check = (name, body) => test(name, body, (failed) => Promise.all([desk, other, mine].map((one, at) => one.visit.picture(`failed-${at}-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))))
  const own = 'tingzhi-liuyun-apricot'
  let one_time = '', secret = '', codes = []

  /** A one-time password becomes one's own. */
  const first_time = async (one, name, given) => {
    await one.visit.sign_in(name, given)
    await one.visit.sees('请设一个自己的密码')
    const boxes = one.page.locator('input[autocomplete=new-password]')
    await boxes.nth(0).fill(own)
    await boxes.nth(1).fill(own)
    await one.page.getByRole('button', { name: '保存新密码' }).click()
  }

  await check('an administrator adds an institution administrator', async () => {
    await desk.visit.sign_in('admin', password)
    await desk.visit.sees('找谁')
    await desk.visit.open('/accounts')
    await desk.visit.sees('账号管理', '添加账号')
    await desk.page.getByRole('button', { name: '添加账号' }).click()
    await desk.page.fill('input[name=account-name]', 'e2e-head')
    await desk.page.fill('input[name=display]', '院办汪')
    await desk.page.selectOption('select[name=role]', 'institution-administrator')
    await desk.page.fill('input[name=institution]', 'e2e-account-org')
    await desk.page.getByRole('button', { name: '添加', exact: true }).click()
    await desk.visit.sees('一次性密码')
    one_time = (await desk.page.locator('p.secret').innerText()).trim()
    await desk.page.getByRole('button', { name: '已经告诉本人' }).click()
    await desk.visit.sees('院办汪')
    await desk.visit.looks_right('accounts')
  })
  await check('who adds a doctor of the own institution and sees no others', async () => {
    await first_time(other, 'e2e-head', one_time)
    await other.visit.sees('添加账号')
    holds(!(await other.visit.text()).includes('李医生'), 'another institution\'s account is shown')
    await other.page.getByRole('button', { name: '添加账号' }).click()
    await other.page.fill('input[name=account-name]', 'e2e-newdoc')
    await other.page.fill('input[name=display]', '新医生')
    await other.page.getByRole('button', { name: '添加', exact: true }).click()
    await other.visit.sees('一次性密码')
    one_time = (await other.page.locator('p.secret').innerText()).trim()
    await other.page.getByRole('button', { name: '已经告诉本人' }).click()
    await other.visit.sees('新医生')
  })
  await check('the doctor enrols a second factor', async () => {
    await desk.page.context().clearCookies()
    await first_time(desk, 'e2e-newdoc', one_time)
    await desk.visit.sees('找谁')
    await desk.visit.open('/account')
    await desk.visit.sees('二次验证', '我的会话')
    await desk.page.getByRole('button', { name: '启用二次验证' }).click()
    await desk.page.fill('input[name=present-password]', own)
    await desk.page.getByRole('button', { name: '下一步' }).click()
    secret = await desk.page.locator('p.secret').innerText()
    await desk.visit.looks_right('second-factor')
    await desk.page.fill('input[name=first-code]', totp(secret))
    await desk.page.getByRole('button', { name: '启用', exact: true }).click()
    await desk.visit.sees('恢复码只显示这一次')
    codes = await desk.page.locator('section.kept code').allInnerTexts()
    equal(codes.length, 10)
    await desk.page.getByRole('button', { name: '已经保存好' }).click()
    await desk.visit.sees('还有 10 个恢复码没用过')
    await desk.visit.looks_right('account-security')
  })
  await check('and logs in with it elsewhere, once by the device and once by a recovery code', async () => {
    await mine.visit.sign_in('e2e-newdoc', own)
    await mine.visit.sees('再验证一步')
    await mine.visit.looks_right('second-step')
    await mine.page.setViewportSize(phone)
    await mine.page.fill('input[name=code]', totp(secret, 1))
    await mine.page.keyboard.press('Enter')
    await mine.visit.sees('找谁')
    await other.page.context().clearCookies()
    await other.visit.sign_in('e2e-newdoc', own)
    await other.visit.sees('再验证一步')
    await other.page.getByRole('button', { name: '手机不在手边，用恢复码' }).click()
    await other.page.fill('input[name=code]', codes[0].toUpperCase())
    await other.page.keyboard.press('Enter')
    await other.visit.sees('找谁')
  })
  await check('a session is ended from another device', async () => {
    await other.visit.open('/account')
    await other.visit.sees('还有 9 个恢复码没用过', '这台设备')
    await other.page.getByRole('button', { name: '其他设备全部下线' }).click()
    await other.visit.sees('2 个会话已下线')
    await mine.visit.open('/')
    await mine.visit.sees('用单位发给您的账号')
  })
  await check('a resident activates with number, card and code', async () => {
    const identity = '130399199103150043'
    await api('PUT', '/fhir/Patient/e2e-activate', { resourceType: 'Patient', id: 'e2e-activate', name: [{ text: '激晓活' }], gender: 'female', birthDate: '1991-03-15', identifier: [{ system: 'urn:oid:2.16.156.10011.1.3', value: identity }], telecom: [{ system: 'phone', value: '13900001234' }] })
    const issued = await fetch(`${server.base}/api/v1/card/issue`, { method: 'POST', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/json' }, body: JSON.stringify({ patient: 'e2e-activate' }) })
    holds(issued.ok, `card: ${issued.status} ${await issued.clone().text()}`)
    const { number } = await issued.json()
    await mine.page.context().clearCookies()
    await mine.visit.open('/activate')
    await mine.visit.looks_right('activate')
    await mine.page.setViewportSize(phone)
    await mine.page.fill('input[name=identity]', identity)
    await mine.page.fill('input[name=card]', String(number))
    await mine.page.getByRole('button', { name: '发送验证码' }).click()
    await mine.visit.sees('如果您填的和档案一致')
    let code = ''
    for (let asked = 0; !code && asked < 5000; ++asked) {
      code = /demo code.*?"?code"?[=:"\s]+(\d{6}).*?1234/s.exec(server.log())?.[1] ?? ''
      if (!code) await mine.page.evaluate(() => new Promise(requestAnimationFrame))
    }
    holds(code, `no code in the log: ${server.log().slice(-600)}`)
    await mine.page.fill('input[name=code]', code)
    await mine.page.fill('input[name=name]', 'e2e-activated')
    await mine.page.getByRole('button', { name: '激活', exact: true }).click()
    await mine.visit.sees('请设一个自己的密码')
    const boxes = mine.page.locator('input[autocomplete=new-password]')
    await boxes.nth(0).fill(own)
    await boxes.nth(1).fill(own)
    await mine.page.getByRole('button', { name: '保存新密码' }).click()
    await mine.visit.sees('激晓活')
  })
  for (const one of [desk, other, mine]) {
    equal(one.visit.problems, [])
    await one.close()
  }
}
