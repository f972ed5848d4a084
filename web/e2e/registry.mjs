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
  await check('what messages tell of and no register knows is joined once, and from then on', async () => {
    const base = `${server.base}/api/v1`
    const { csrf } = await (await page.request.get(`${server.base}/auth/me`)).json()
    const headers = { 'Content-Type': 'application/json', 'X-Xinglin-CSRF': csrf }
    const target = await page.request.put(`${server.base}/fhir/Organization/e2e-stray-target`, { headers: { ...headers, 'Content-Type': 'application/fhir+json' }, data: JSON.stringify({ resourceType: 'Organization', id: 'e2e-stray-target', active: true, identifier: [{ system: 'urn:oid:2.16.156.10011.1.5', value: 'E2E-STRAY' }], name: '听雨医院' }) })
    holds(target.ok(), `the target: ${target.status()}`)
    const source = { id: 'e2e-stray', name: '听雨来源', kind: 'http', format: 'fhir', organization: '', settings: { keep_ids: true } }
    await page.request.post(`${base}/intake/sources`, { headers, data: source })
    const tell = async (visit_id) => {
      const entry = (resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } })
      const told = { resourceType: 'Organization', id: 'e2e-stray-int', identifier: [{ system: 'urn:xinglin:source:e2e-stray:department', value: 'INT01' }], name: '听雨一科' }
      const seen = { resourceType: 'Encounter', id: visit_id, status: 'finished', class: { code: 'AMB' }, serviceProvider: { reference: 'Organization/e2e-stray-int' } }
      const sent = await page.request.post(`${base}/intake/messages?source=e2e-stray&wait=stored`, { headers: { ...headers, 'Content-Type': 'application/fhir+json' }, data: JSON.stringify({ resourceType: 'Bundle', id: visit_id, type: 'transaction', entry: [entry(told), entry(seen)] }) })
      equal(sent.status(), 200, await sent.text())
      return (await (await page.request.get(`${server.base}/fhir/Encounter/${visit_id}`)).json()).serviceProvider.reference
    }
    equal(await tell('e2e-stray-1'), 'Organization/e2e-stray-int')
    await page.waitForTimeout(1200)
    await visit.open('/registry/strays?source=e2e-stray')
    await visit.sees('听雨一科', 'INT01')
    await visit.looks_right('registry-strays')
    await page.getByRole('button', { name: '另选' }).first().click()
    await page.getByRole('dialog').getByLabel('对到哪一个').fill('听雨医院')
    await visit.sees('选中：听雨医院')
    await page.getByRole('dialog').getByRole('button', { name: '保存' }).click()
    await visit.sees('没有未登记的')
    const joined = await tell('e2e-stray-2')
    equal(joined, 'Organization/e2e-stray-target')
  })
  await check('a scanned code is taken apart', async () => {
    await visit.open('/registry?q=' + encodeURIComponent('(01)51022222233336(17)141231(10)A213B1(21)1234'))
    await visit.sees('51022222233336', 'A213B1', '2014-12-31', '已过失效日期')
    await visit.open('/registry?view=beds')
    await visit.sees('空闲')
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
