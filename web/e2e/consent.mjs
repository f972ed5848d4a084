// SPDX-License-Identifier: Apache-2.0
// Who may see a record: a resident closes an institution and opens it again, a doctor asks, a counter records what was signed.
import { holds, test } from './check.mjs'
import { password } from './server.mjs'
import { phone, Visit, wide } from './visit.mjs'

const api = 'application/fhir+json'

export async function consent(browser, server, pictures) {
  const put = async (resource) => {
    const answer = await fetch(`${server.base}/fhir/${resource.resourceType}/${resource.id}`, { method: 'PUT', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': api }, body: JSON.stringify(resource) })
    holds(answer.ok, `${resource.id}: ${answer.status}`)
  }
  await put({ resourceType: 'Organization', id: 'e2e-consent-hospital', name: '同意测试医院' })

  const open = async (size) => {
    const context = await browser.newContext({ viewport: size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
    const visit = new Visit(await context.newPage(), server.base, pictures)
    return { visit, page: visit.page, close: () => context.close() }
  }
  const desk = await open(wide), mine = await open(phone)
  const check = (name, body) => test(name, body, (failed) => Promise.all([desk, mine].map((one, at) => one.visit.picture(`failed-${at}-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))))
  await desk.visit.sign_in('doctor', password)
  await desk.visit.sees('找谁')
  await mine.visit.sign_in('cardholder', password)
  await mine.visit.sees('我的健康卡')

  await check('a resident closes an institution', async () => {
    await mine.visit.open('/consent')
    await mine.visit.sees('给您看病的医生可以看您的档案', '即使关闭，仍会这样')
    await mine.page.getByRole('button', { name: '关闭一部分' }).click()
    await mine.page.getByText('一家机构或一位医生').click()
    await mine.page.getByLabel('机构或医生的名称').fill('同意测试')
    await mine.page.getByLabel(/同意测试医院/).check()
    await mine.page.getByRole('button', { name: '关闭', exact: true }).click()
    await mine.visit.sees('同意测试医院不能看全部档案', '有一部分已经关闭')
    await mine.visit.looks_right('consent-mine')
    await mine.page.setViewportSize(phone)
  })
  await check('and opens it again', async () => {
    await mine.page.getByRole('button', { name: '恢复开放' }).click()
    await mine.visit.sees('给您看病的医生可以看您的档案', '已结束')
  })
  await check('a doctor asks, the resident accepts', async () => {
    await desk.visit.open('/consent/person/e2e-resident')
    await desk.page.getByRole('button', { name: '向居民申请查看' }).click()
    await desk.page.getByLabel('理由').fill('术前会诊需要')
    await desk.page.getByRole('button', { name: '保存' }).click()
    await desk.visit.sees('等待')
    await mine.visit.open('/consent')
    await mine.visit.sees('李医生 想看您的档案', '术前会诊需要')
    await mine.page.getByRole('button', { name: '同意', exact: true }).click()
    await mine.visit.sees('李医生可以看全部档案')
  })
  await check('a counter records a paper consent', async () => {
    await desk.page.getByRole('button', { name: '登记纸质授权' }).click()
    await desk.page.getByLabel('机构编号（空：所有人）').fill('e2e-consent-hospital')
    await desk.page.getByLabel('文件编号（签字的纸或证件）').fill('2026-0117')
    await desk.page.getByRole('button', { name: '保存' }).click()
    await desk.visit.sees('2026-0117')
    await desk.visit.looks_right('consent-person')
  })
  await Promise.all([desk.close(), mine.close()])
}
