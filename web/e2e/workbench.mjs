// SPDX-License-Identifier: Apache-2.0
// Resources, imports and the system page, in a real browser against the real server.
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { Visit, wide } from './visit.mjs'

const history_of = (number) => ({ resourceType: 'Basic', id: 'e2e-history', code: { text: `version ${number}` }, created: '2026-11-2' + number })

/** A little history, and something deleted, made as an outside system would. */
async function prepare(server) {
  const write = async (method, path, body) => {
    const response = await fetch(`${server.base}/fhir/${path}`, { method, headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/fhir+json' }, body: body && JSON.stringify(body) })
    holds(response.ok, `${method} ${path} answered ${response.status}`)
  }
  for (const number of [1, 2, 3]) await write('PUT', 'Basic/e2e-history', history_of(number))
  await write('PUT', 'Basic/e2e-gone', { resourceType: 'Basic', id: 'e2e-gone', code: { text: 'gone' } })
  await write('DELETE', 'Basic/e2e-gone')
}

export async function workbench(browser, server, pictures) {
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const visit = new Visit(await context.newPage(), server.base, pictures)
  const { page } = visit
  const check = (name, body) => test(name, body, (failed) => visit.picture(`failed-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))
  await prepare(server)
  await visit.sign_in('admin', password)
  await visit.sees('找谁')

  await check('the explorer lists types with counts and opens one', async () => {
    await visit.open('/explorer')
    await page.waitForURL((url) => url.pathname === '/explorer/Patient')
    await visit.sees('资源类型', '复制地址')
    await page.waitForSelector('tbody tr')
    await visit.looks_right('explorer')
    await page.fill('.types input', 'immun')
    equal(await page.locator('.types .list a').count() >= 1, true, 'types that match')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname === '/explorer/Immunization')
  })
  await check('a condition is added by the form, stands in the address and survives a reload', async () => {
    await visit.open('/explorer/Patient')
    await page.click('.filters .add')
    await page.locator('.adding select').first().selectOption('gender')
    await visit.accessible('the form of a condition')
    await page.fill('.adding input', 'female')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.get('gender') === 'female')
    await visit.settled()
    const rows = await page.locator('tbody tr').count()
    const bundle = await (await page.request.get(`${server.base}/fhir/Patient?gender=female`)).json()
    equal(rows, (bundle.entry ?? []).filter((entry) => entry.search.mode === 'match').length, 'rows')
    equal(await page.locator('.url input').inputValue(), '/fhir/Patient?gender=female', 'FHIR address')
    await page.reload()
    await visit.settled()
    equal(await page.locator('tbody tr').count(), rows, 'rows after reload')
    await page.click('.url button')
    equal(await page.evaluate(() => navigator.clipboard.readText()), `${server.base}/fhir/Patient?gender=female`, 'copied')
  })
  await check('a date is compared by its prefix, and nonsense is refused before it is sent', async () => {
    await visit.open('/explorer/Patient')
    await page.click('.filters .add')
    await page.locator('.adding select').first().selectOption('birthdate')
    await page.locator('.adding select').nth(2).selectOption('ge')
    await page.fill('.adding input', 'yesterday')
    await page.keyboard.press('Enter')
    await visit.sees('日期写成')
    await page.fill('.adding input', '1950')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.get('birthdate') === 'ge1950')
    await visit.sees('≥ 1950')
  })
  await check('strict errors stand where they belong', async () => {
    await visit.open('/explorer/Patient?gendr=female')
    await visit.sees('服务器看不懂这次请求', 'gendr')
    equal(await page.locator('.chip.bad').count(), 1, 'the chip is marked')
    await visit.accessible('a refused search')
    visit.problems.length = 0
  })
  await check('pages go forward and back', async () => {
    await visit.open('/explorer/Observation?_count=10')
    const first = await page.locator('tbody tr a').first().getAttribute('href')
    await page.click('text=下一页')
    await page.waitForURL((url) => url.searchParams.has('_page'))
    await visit.settled()
    holds((await page.locator('tbody tr a').first().getAttribute('href')) !== first, 'other rows')
    await page.click('text=上一页')
    await page.waitForURL((url) => !url.searchParams.has('_page'))
    await visit.settled()
    equal(await page.locator('tbody tr a').first().getAttribute('href'), first, 'the first rows again')
  })
  await check('a pasted FHIR address runs', async () => {
    await page.fill('.url input', `${server.base}/fhir/Encounter?_sort=-date&_count=5`)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname === '/explorer/Encounter')
    await visit.settled()
    equal(await page.locator('tbody tr').count(), 5, 'rows')
    await page.locator('tbody tr td').last().click()
    await page.waitForURL((url) => url.pathname.startsWith('/explorer/Encounter/'))
  })
  await check('a resource shows its summary, JSON and XML', async () => {
    const bundle = await (await page.request.get(`${server.base}/fhir/Observation?code=55284-4,85354-9,8302-2&_count=1`)).json()
    const one = bundle.entry[0].resource
    await visit.open(`/explorer/Observation/${one.id}`)
    await visit.sees('摘要', '代码', '对象', '第 1 版')
    await visit.looks_right('resource-summary')
    await page.click('.tabs >> text=JSON')
    await visit.sees('"resourceType"')
    await visit.looks_right('resource-json')
    await page.click('.tabs >> text=XML')
    await visit.sees('<Observation')
    await visit.looks_right('resource-xml')
  })
  await check('history compares any two versions, and the pair is in the address', async () => {
    await visit.open('/explorer/Basic/e2e-history/history')
    await visit.sees('第 2 版到第 3 版', '2026-11-22', '2026-11-23')
    await visit.looks_right('resource-history')
    await page.locator('input[name=history-from]').last().check()
    await page.waitForURL((url) => url.searchParams.get('from') === '1' && url.searchParams.get('to') === '3')
    await visit.sees('第 1 版到第 3 版', 'version 1')
    await visit.open('/explorer/Basic/e2e-history?version=1')
    await visit.sees('这是第 1 版，不是最新的', '2026-11-21')
  })
  await check('what is deleted says so and keeps its history', async () => {
    await visit.open('/explorer/Basic/e2e-gone')
    await visit.sees('已经删除')
    await visit.accessible('a deleted resource')
    await page.click('text=看历史')
    await visit.sees('删除', '新建')
    await visit.open('/explorer/Patient/nobody-here')
    await visit.sees('没有这条资源')
    visit.problems.length = 0
  })
  await check('several files go in at once, and what is wrong with them is said', async () => {
    await visit.open('/imports')
    await visit.sees('把文件拖到这里')
    const ndjson = [...Array(20).keys()].map((i) => JSON.stringify(i % 5 === 4 ? { resourceType: 'Nothing', id: `x${i}` } : { resourceType: 'Basic', id: `e2e-${i}`, code: { text: 'x' } })).join('\n')
    const file = (name, text) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) })
    await page.setInputFiles('input[type=file]', [file('some.ndjson', ndjson), file('letter.docx', 'x'), file('empty.json', '')])
    await visit.sees('some.ndjson', '这种文件读不了', '文件是空的', '完成，有被拒绝的')
    await visit.looks_right('imports')
    await page.click('text=看原因')
    await visit.sees('请在来源系统里改好', '第 5, 10, 15, 20 行')
    await visit.accessible('reasons')
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=下载被拒绝的')])
    holds(/^rejected-.*\.ndjson$/.test(download.suggestedFilename()), 'the file has its name')
    await page.click('.seg >> text=进行中')
    await visit.sees('没有正在进行的导入')
    equal(new URL(page.url()).searchParams.get('show'), 'active', 'the view is in the address')
    visit.problems.length = 0
  })
  await check('the system page shows figures, checks and goes stale when nothing answers', async () => {
    await visit.open('/system')
    await visit.sees('检查', '写入与读取', '资源种类', '已运行')
    await visit.looks_right('system')
    await page.route('**/api/v1/system', (route) => route.abort())
    await visit.sees('数据停在')
    await visit.sees('连不上服务器')
    await visit.accessible('stale figures')
    await page.unroute('**/api/v1/system')
    await page.click('text=再试一次')
    await page.waitForFunction(() => !document.body.innerText.includes('数据停在'))
    visit.problems.length = 0
  })
  await check('these pages speak English too', async () => {
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'en'))
    for (const path of ['/explorer/Observation?_count=5', '/explorer/Basic/e2e-history/history', '/imports', '/system']) {
      await visit.open(path)
      const left = (await visit.text()).match(/\p{Script=Han}+/gu) ?? []
      equal(left.filter((word) => !['管理员', '管', '李医生', '李'].includes(word)), [], `${path}: Chinese on an English page`)
    }
    await visit.picture('system-en-1440x900')
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'zh-CN'))
  })
  await context.close()
}
