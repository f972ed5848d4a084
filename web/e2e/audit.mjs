// SPDX-License-Identifier: Apache-2.0
// Who looked: a resident sees the doctor's look as it happens and asks about it; the auditor answers, searches, and verifies the chain.
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { phone, Visit, wide } from './visit.mjs'

export async function audit(browser, server, pictures) {
  const someone = { resourceType: 'Patient', id: 'e2e-looked-at', name: [{ text: '谢听澜' }], gender: 'female', birthDate: '1979-02-11' }
  const stored = await fetch(`${server.base}/fhir/Patient/${someone.id}`, { method: 'PUT', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/fhir+json' }, body: JSON.stringify(someone) })
  holds(stored.ok, `${someone.id}: ${stored.status}`)
  const open = async (size) => {
    const context = await browser.newContext({ viewport: size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
    const visit = new Visit(await context.newPage(), server.base, pictures)
    return { visit, page: visit.page, close: () => context.close() }
  }
  const resident = await open(phone), officer = await open(wide), doctor = await open(wide)
  const check = (name, body) => test(name, body, (failed) => Promise.all([resident, officer, doctor].map((one, at) => one.visit.picture(`failed-${at}-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))))
  await resident.visit.sign_in('lookedat', password)
  await officer.visit.sign_in('auditor', password)
  await doctor.visit.sign_in('doctor', password)

  await check('a resident sees a look while the page is open', async () => {
    await resident.page.getByRole('link', { name: '谁看过' }).click()
    await resident.visit.sees('谁看过我的档案')
    await doctor.visit.open('/people/e2e-looked-at')
    await resident.visit.sees('李医生') // the page asks by itself
    await resident.visit.looks_right('audit-mine')
    await resident.page.setViewportSize(phone)
  })
  await check('a look can be questioned, and the auditor has the question', async () => {
    await resident.page.getByRole('button', { name: /我有疑问：李医生/ }).first().click()
    await resident.page.getByLabel('您的疑问').fill('谢听澜不认识这位医生')
    await resident.page.getByRole('button', { name: '提交' }).click()
    await resident.visit.sees('待处理', '谢听澜不认识这位医生')
    await officer.visit.open('/audit/cases')
    await officer.visit.sees('谢听澜不认识这位医生', '李医生')
    await officer.visit.looks_right('audit-cases')
    await officer.page.setViewportSize(wide)
    await officer.page.getByLabel(/疑问 \d+ 的说明/).first().fill('当天由家庭医生团队随访')
    await officer.page.getByRole('button', { name: '答复', exact: true }).first().click()
    await officer.visit.sees('当天由家庭医生团队随访')
  })
  await check('the answer reaches the resident by itself', async () => {
    await resident.visit.sees('已答复', '当天由家庭医生团队随访')
    await resident.page.getByRole('button', { name: '清楚了' }).click()
    await resident.visit.sees('已办结')
  })
  await check('the auditor searches and verifies the chain', async () => {
    await officer.visit.open('/audit')
    await officer.page.getByLabel('居民档案号').fill('e2e-looked-at')
    await officer.page.getByRole('button', { name: '查询' }).click()
    await officer.visit.sees('李医生')
    await officer.page.getByRole('button', { name: '立即校验' }).click()
    await officer.visit.sees('完整')
    await officer.visit.looks_right('audit-lines')
    await officer.visit.open('/audit/unusual')
    await officer.visit.sees('异常访问')
    await officer.visit.looks_right('audit-unusual')
  })
  await check('an emergency is judged by the auditor, and the resident reads it', async () => {
    const entered = await fetch(`${server.base}/auth/login`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name: 'doctor', password }) })
    const { csrf } = await entered.json()
    const headers = { Cookie: entered.headers.get('set-cookie').split(';')[0], 'X-Xinglin-CSRF': csrf, 'Content-Type': 'application/json' }
    const opened = await fetch(`${server.base}/api/v1/emergency`, { method: 'POST', headers, body: JSON.stringify({ patient: someone.id, reason_code: 'unconscious', reason: '路边昏迷，急诊抢救' }) })
    holds(opened.ok, `emergency: ${opened.status} ${await opened.clone().text()}`)
    await officer.visit.open('/audit/emergencies')
    await officer.visit.sees('谢**', '昏迷或无法表达', '路边昏迷，急诊抢救')
    await officer.visit.looks_right('audit-emergencies')
    await officer.page.setViewportSize(wide)
    await officer.page.getByLabel('结论').first().selectOption('justified')
    await officer.page.getByLabel('核实情况').first().fill('急诊病历已核对')
    await officer.page.getByRole('button', { name: '提交结论' }).first().click()
    await officer.visit.sees('已复核：理由成立', '急诊病历已核对')
    await resident.visit.open('/consent')
    await resident.visit.sees('已复核：理由成立')
  })
  await check('nobody else reads the audit', async () => {
    const refused = await doctor.page.evaluate(() => fetch('/api/v1/audit').then((answer) => answer.status))
    equal(refused, 403)
    const theirs = await resident.page.evaluate(() => fetch('/api/v1/audit/cases').then((answer) => answer.status))
    equal(theirs, 403)
  })
  for (const one of [resident, officer, doctor]) await one.close()
}
