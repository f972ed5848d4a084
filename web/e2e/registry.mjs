// SPDX-License-Identifier: Apache-2.0
// The registries: a table looked at, taken, found again by pinyin, renamed, undone; tree and checks; in a real browser.
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { phone, Visit, wide } from './visit.mjs'

const table = '机构编码,机构名称,机构分类,上级机构编码,区划代码,电话\ne2e-h,春风医院,综合医院,,130303002,0335-1\ne2e-c,春风卫生院,C220,e2e-h,130303101,0335-2\ne2e-x,,A100,,,\n'

export async function registry(browser, server, pictures) {
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  const visit = new Visit(await context.newPage(), server.base, pictures)
  const { page } = visit
  const check = (name, body) => test(name, body, (failed) => visit.picture(`failed-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))
  await visit.sign_in('admin', password)
  await visit.sees('找谁')

  await check('a table shows what it would change, and is taken without its wrong rows', async () => {
    await visit.open('/registry/tables')
    await page.setInputFiles('input[type=file]', { name: 'e2e.csv', mimeType: 'text/csv', buffer: Buffer.from(table) })
    await visit.sees('导入后会改变什么', '不能为空')
    await visit.looks_right('registry-tables')
    await page.getByRole('button', { name: '写入 2 行' }).click()
    await visit.sees('e2e.csv', '2 条')
  })
  await check('an institution is found by pinyin and has its page', async () => {
    await visit.open('/registry?q=chunfeng')
    await visit.sees('春风医院', '春风卫生院')
    await visit.looks_right('registry')
    await page.getByRole('link', { name: '春风医院' }).first().click()
    await visit.sees('综合医院', 'e2e-h', '春风卫生院')
    await visit.looks_right('registry-entry')
  })
  await check('a new name keeps the old one', async () => {
    await page.getByRole('button', { name: '更名' }).click()
    await page.getByLabel('新名称').fill('春风人民医院')
    await page.getByRole('button', { name: '保存' }).click()
    await visit.sees('春风人民医院', '春风医院', '更名')
    await visit.open('/registry?q=春风医院')
    await visit.sees('春风人民医院', '曾用名')
  })
  await check('the tree opens and the checks are there', async () => {
    await visit.open('/registry?view=tree')
    await page.getByRole('button', { name: '展开 春风人民医院' }).click()
    await visit.sees('春风卫生院')
    await visit.open('/registry/check')
    await visit.sees('疑似重复', '未登记的', '登记中的矛盾')
    await visit.looks_right('registry-check')
  })
  await check('an undo is refused while a later change stands, and puts everything back after', async () => {
    const list = async () => (await (await page.request.get(`${server.base}/api/v1/registry/revisions`)).json()).revisions
    const [renaming, importing] = await list()
    equal([renaming.what, importing.what], ['change', 'import'])
    await visit.open('/registry/tables')
    await page.getByRole('button', { name: '撤销' }).first().click()
    await page.getByRole('dialog').getByRole('button', { name: '撤销' }).click()
    await visit.sees('已撤销')
    await page.getByRole('button', { name: '撤销' }).nth(1).click()
    await page.getByRole('dialog').getByRole('button', { name: '撤销' }).click()
    for (let i = 0; i < 50 && (await list()).length < 4; ++i) await page.waitForTimeout(100)
    const left = async () => (await (await page.request.get(`${server.base}/api/v1/registry?q=chunfeng`)).json()).total
    for (let i = 0; i < 50 && (await left()) > 0; ++i) await page.waitForTimeout(100) // what is looked up follows the record
    equal(await left(), 0, 'nothing of it is left')
  })
  await check('the pages of the registries fit a phone and speak English', async () => {
    await page.setViewportSize(phone)
    await visit.open('/registry/tables')
    await visit.looks_right('registry-tables-phone')
    await page.setViewportSize(wide)
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'en'))
    await visit.open('/registry/check')
    const left = (await visit.text()).match(/\p{Script=Han}+/gu) ?? []
    holds(left.filter((word) => !['管理员', '管'].includes(word)).length < 20, `Chinese on an English page: ${left.slice(0, 20)}`)
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'zh-CN'))
    visit.problems.length = 0
  })
  await context.close()
}
