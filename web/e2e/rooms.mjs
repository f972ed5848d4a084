// SPDX-License-Identifier: Apache-2.0
// Views, terminology, validation, explain plans, exports and the past of a record, in a real browser against the real server.
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { Visit, wide } from './visit.mjs'

const json = 'application/fhir+json'

/** A person whose name is written twice, so that the past has something else to show than the present. */
async function prepare(server) {
  const write = async (method, path, body, type = json) => {
    const response = await fetch(`${server.base}${path}`, { method, headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': type }, body: body && JSON.stringify(body) })
    holds(response.ok, `${method} ${path} answered ${response.status}: ${(await response.text()).slice(0, 300)}`)
  }
  for (const family of ['旧', '新']) await write('PUT', '/fhir/Patient/e2e-past', { resourceType: 'Patient', id: 'e2e-past', gender: 'female', birthDate: '1959-03-12', name: [{ family, given: ['名'] }], identifier: [{ system: 'urn:e2e', value: 'past' }] })
}

export async function rooms(browser, server, pictures) {
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', acceptDownloads: true })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const visit = new Visit(await context.newPage(), server.base, pictures)
  const { page } = visit
  const check = (name, body) => test(name, body, (failed) => visit.picture(`failed-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))
  await prepare(server)
  await visit.sign_in('admin', password)
  await visit.sees('找谁')
  const editor = page.locator('.code-editor textarea')
  const change = async (from, to) => editor.fill((await editor.inputValue()).replace(from, to))

  /* views */
  await check('a view is written by picking elements, and its rows are there at once', async () => {
    await visit.open('/views')
    await visit.sees('写一个视图')
    await visit.looks_right('views')
    await visit.open('/views/_new')
    await page.waitForSelector('.rows tbody tr')
    await page.click('button[aria-label="加列 gender"]')
    await page.waitForSelector('.rows th:has-text("gender")')
    await page.click('button[aria-label="展开 name"]')
    await page.click('button[aria-label="逐行 name.family"]')
    await page.waitForSelector('.rows th:has-text("name_family")')
    holds((await page.locator('.rows tbody tr').count()) > 5, 'rows')
    await visit.looks_right('view-editor')
  })
  await check('what is wrong in a definition is said at its line, and going there puts the cursor on it', async () => {
    await change('"gender"', '"gender.nope()"')
    await page.waitForSelector('.line.critical')
    holds((await page.locator('.line.critical').innerText()).includes('nope()'), 'the line')
    await visit.sees('先改好定义')
    await visit.accessible('a definition with an error')
    await page.click('.said .link')
    holds((await editor.evaluate((box) => box.value.slice(box.selectionStart))).includes('nope'), 'the cursor stands before it')
    await change('"gender.nope()"', '"gender')
    await visit.sees('这段文字没有写完')
    await change('"gender', '"gender"')
    await page.waitForFunction(() => !document.querySelector('.line.critical'))
    visit.problems.length = 0
  })
  await check('it is saved as a table, read in pages, downloaded, and deleted', async () => {
    await change('"my_patient"', '"e2e_people"')
    await page.waitForFunction(() => !document.querySelector('button[aria-keyshortcuts="Control+S"]')?.disabled)
    await page.keyboard.press('Control+s')
    await page.waitForURL((url) => url.pathname === '/views/e2e_people')
    await page.waitForFunction(() => document.querySelector('.head .st')?.textContent?.includes('跟上了'), null, { timeout: 20_000 })
    await page.click('.tabs >> text=数据')
    await page.waitForSelector('.stored tbody tr')
    await visit.looks_right('view-rows')
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('.stored a:has-text("CSV")')])
    equal(file.suggestedFilename(), 'e2e_people.csv', 'file')
    await visit.open('/views')
    await visit.sees('e2e_people')
    await visit.open('/views/e2e_people')
    await page.click('button.dan')
    await visit.sees('删除 e2e_people？')
    await page.click('dialog button.dan')
    await page.waitForURL((url) => url.pathname === '/views')
    await page.waitForFunction(() => !document.body.innerText.includes('e2e_people'))
  })
  await check('what was typed and not saved is asked for before it is lost', async () => {
    await visit.open('/views/_new')
    await editor.fill(`${await editor.inputValue()}\n`)
    await page.click('.rail .place:has-text("首页")')
    await visit.sees('离开这一页？')
    await page.click('dialog >> text=留下')
    equal(new URL(page.url()).pathname, '/views/_new', 'still here')
    await page.click('.rail .place:has-text("首页")')
    await page.click('dialog >> text=不保存，离开')
    await page.waitForURL((url) => url.pathname === '/')
  })

  /* terminology */
  await check('codes are found by Chinese, initials and code, and opened', async () => {
    await visit.open('/terminology')
    await visit.sees('编码系统')
    await page.waitForSelector('[role=treeitem]')
    await visit.looks_right('terminology')
    await page.fill('.middle input[type=search]', 'gxy')
    await page.waitForSelector('.hit mark')
    holds((await page.locator('.hits').innerText()).includes('高血压'), 'by initials')
    await page.fill('.middle input[type=search]', '高血压')
    await page.waitForURL((url) => url.searchParams.get('q') === '高血压')
    await page.waitForFunction(() => [...document.querySelectorAll('.hit mark')].some((mark) => mark.textContent === '高血压'))
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.has('code'))
    await page.waitForSelector('.concept .big')
    await visit.looks_right('terminology-search')
  })
  await check('the tree opens with the arrow keys', async () => {
    await visit.open('/terminology')
    const first = page.locator('[role=treeitem]').first()
    await first.focus()
    const before = await page.locator('[role=treeitem]').count()
    await page.keyboard.press('ArrowRight')
    equal(await first.getAttribute('aria-expanded'), 'true', 'open')
    await page.keyboard.press('ArrowDown') // perhaps onto the line that waits: its place goes to the first child, and the keyboard with it
    await page.waitForSelector('[role=treeitem][aria-level="2"] .code')
    const child = await page.locator('[role=treeitem][aria-level="2"] .code').first().innerText()
    await page.waitForFunction((code) => document.activeElement?.querySelector('.code')?.textContent === code, child)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.get('code') === child)
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.waitForFunction((count) => document.querySelectorAll('[role=treeitem]').length === count, before)
  })
  await check('a value set is expanded and filtered, a code is translated', async () => {
    await visit.open('/terminology/value-sets?url=urn:xinglin:valueset:icd-10-hypertension')
    await page.waitForSelector('.middle tbody tr')
    await visit.looks_right('value-sets')
    await page.fill('.middle input[type=search]', 'gxywx')
    await visit.sees('高血压危象')
    await visit.open('/terminology/translate?map=urn:xinglin:conceptmap:administrative-gender-to-sex')
    await page.fill('form input:not([list])', 'male')
    await page.keyboard.press('Enter')
    await visit.sees('等同')
    await visit.looks_right('translate')
  })
  await check('an edition with a wrong line is refused with the line, a good one is there at once', async () => {
    await visit.open('/terminology')
    await page.click('text=导入版本')
    await page.fill('dialog input.code', 'urn:e2e:colours')
    await page.locator('dialog .pair input').first().fill('2026')
    await page.click('dialog button.pri')
    await visit.sees('请选一个 CSV 文件。')
    const file = (text) => ({ name: 'colours.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })
    await page.setInputFiles('dialog input[type=file]', file('code,display\nr,红色\n,没有代码\n'))
    await page.click('dialog button.pri')
    await visit.sees('文件里有错，什么都没有导入', ',没有代码')
    await visit.accessible('an edition with an error')
    await page.setInputFiles('dialog input[type=file]', file('code,display,parent\nr,红色,\nd,大红,r\n'))
    await page.click('dialog button.pri')
    await page.waitForURL((url) => url.searchParams.get('system') === 'urn:e2e:colours')
    await page.waitForSelector('[role=treeitem]:has-text("红色")')
    visit.problems.length = 0
  })

  /* validation */
  await check('a resource is checked as it is written, and the complaint stands at its line and its field', async () => {
    await visit.open('/explorer/Patient/e2e-past/edit')
    await page.waitForSelector('.check .st')
    await change('"female"', '"woman"')
    await page.waitForSelector('.line.critical')
    holds((await page.locator('.line.critical').innerText()).includes('woman'), 'the line of the gender')
    await page.click('.check .seg >> text=字段')
    holds((await page.locator('.tree .line.noted').innerText()).includes('woman'), 'the field of the gender')
    await visit.looks_right('resource-edit')
    await page.click('.write button.pri')
    await visit.sees('没有保存上，服务器不收')
    await change('"woman"', '"male"')
    await page.waitForFunction(() => !document.querySelector('.line.critical'))
    await page.keyboard.press('Control+s')
    await visit.sees('已保存，第 3 版')
    equal((await (await page.request.get(`${server.base}/fhir/Patient/e2e-past`)).json()).gender, 'male', 'stored')
    visit.problems.length = 0
  })
  await check('a resource against a profile, a new one, and one somebody else has changed', async () => {
    await visit.open('/explorer/Patient/_new')
    await page.waitForSelector('.check .st')
    const profiles = await page.locator('.bar-line select option').count()
    holds(profiles > 1, 'profiles of Patient')
    await page.locator('.bar-line select').selectOption({ index: 1 })
    await page.waitForURL((url) => url.searchParams.has('profile'))
    await page.waitForSelector('.issues .note')
    await visit.looks_right('resource-new')
    await visit.open('/explorer/Basic/e2e-history/edit')
    await page.waitForSelector('.check .st')
    await fetch(`${server.base}/fhir/Basic/e2e-history`, { method: 'PUT', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': json }, body: JSON.stringify({ resourceType: 'Basic', id: 'e2e-history', code: { text: 'by somebody else' } }) })
    await change('"code"', '"language": "zh",\n  "code"')
    await page.waitForFunction(() => !document.querySelector('.write button.pri')?.disabled)
    await page.click('.write button.pri')
    await visit.sees('没有保存上', '看过最新的再改')
    await change('"language": "zh",\n  "code"', '"code"')
    visit.problems.length = 0
  })

  /* explain */
  await check('a search shows how it was answered, and the address keeps it', async () => {
    await visit.open('/explorer/Observation?code=8302-2&date=ge2000')
    await page.click('.url button:has-text("怎么找的")')
    await page.waitForURL((url) => url.searchParams.get('_explain') === 'true')
    await page.waitForSelector('.plan svg .step')
    holds((await page.locator('.plan .step').count()) >= 3, 'steps')
    holds((await page.locator('.results tbody tr, .found tbody tr, tbody tr').count()) > 20, 'rows found')
    equal(await page.locator('.url input').inputValue(), '/fhir/Observation?code=8302-2&date=ge2000', 'the address of the search itself')
    await visit.looks_right('explain')
    await page.click('.plan summary')
    await page.waitForSelector('.plan tbody tr')
    await page.click('.plan >> text=收起')
    await page.waitForURL((url) => !url.searchParams.has('_explain'))
  })

  /* exports */
  await check('an export is begun, followed to its end, and its files are fetched', async () => {
    await visit.open('/exports')
    await page.click('.seg >> text=一组居民的')
    await page.click('button.pri')
    await visit.sees('请写 Group 的编号。')
    await page.click('.seg >> text=全部资源')
    await page.click('.chip:has-text("居民")')
    await visit.looks_right('exports')
    await page.click('button.pri')
    await page.waitForSelector('.job .st.good', { timeout: 20_000 })
    await page.click('text=看文件')
    await page.waitForSelector('.more a')
    await visit.looks_right('exports-done')
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('.more a').first().click()])
    holds(/^Patient.*\.ndjson/.test(file.suggestedFilename()), `file ${file.suggestedFilename()}`)
    await page.click('.job >> text=移除')
    await page.click('dialog button.dan')
    await visit.sees('还没有导出过')
  })

  await check('an export of some elements holds those alone; a release is asked for with its purpose', async () => {
    await visit.open('/exports')
    await page.click('.chip:has-text("居民")')
    await page.click('summary:has-text("只要这些元素")')
    await page.fill('textarea[aria-label="只要这些元素"]', 'Observation.value')
    await page.click('button.pri')
    await visit.sees('元素的类型不在所选的类型里。')
    await page.fill('textarea[aria-label="只要这些元素"]', 'Patient.birthDate')
    await page.click('label:has-text("去标识化")')
    await visit.sees('用途', '申请发布')
    await page.click('button.pri')
    await visit.sees('请写用途。')
    await visit.looks_right('exports-without')
    await page.click('label:has-text("去标识化")')
    await page.click('button.pri')
    await page.waitForSelector('.job .st.good', { timeout: 20_000 })
    await page.click('text=看文件')
    const address = await page.locator('.more a').first().getAttribute('href')
    const line = JSON.parse((await (await page.request.get(`${server.base}${address}`)).text()).split('\n')[0])
    equal([Boolean(line.birthDate), Boolean(line.name)], [true, false], 'elements')
    await page.click('.job >> text=移除')
    await page.click('dialog button.dan')
    await visit.sees('还没有导出过')
    visit.problems.length = 0
  })

  /* the past */
  await check('a record is seen as of a day, says so, and the link keeps the day', async () => {
    const { days } = await (await page.request.get(`${server.base}/api/v1/people/e2e-past/timeline`)).json()
    holds(days.length > 0, 'days with writings')
    const last = days.at(-1).date
    await visit.open('/people/e2e-past')
    await page.click('text=回看某一天')
    await visit.sees('现在的档案')
    await visit.looks_right('person-past')
    const early = '2020-01-01'
    await visit.open(`/people/e2e-past?day=${early}`)
    await visit.sees(`${early} 还没有这份档案`)
    await page.click('text=回到现在')
    await page.waitForURL((url) => !url.searchParams.has('day'))
    await visit.open(`/people/e2e-past?day=${last}`)
    await visit.sees(`这是 ${last} 结束时的档案`)
    await page.click('.tabs >> text=就诊')
    await page.waitForURL((url) => url.pathname.endsWith('/encounters') && url.searchParams.get('day') === last)
    visit.problems.length = 0
  })
  await check('the slider moves by keys through days that are not today', async () => {
    // Everything here was written today; what other days look like is told by a server that is asked to pretend.
    await page.route('**/api/v1/people/e2e-past/timeline', (route) => route.fulfill({ contentType: 'application/json', body: JSON.stringify({ first_at: '2026-02-03T01:00:00Z', last_at: '2026-11-06T01:00:00Z', days: [{ date: '2026-02-03', versions: 3, position: 1 }, { date: '2026-06-15', versions: 9, position: 2 }, { date: '2026-11-06', versions: 2, position: 3 }] }) }))
    await page.route('**/fhir/Patient/e2e-past/$everything?*', (route) => route.fulfill({ contentType: json, body: JSON.stringify({ resourceType: 'Bundle', type: 'searchset', entry: [{ resource: { resourceType: 'Patient', id: 'e2e-past', gender: 'female', name: [{ family: new URL(route.request().url()).searchParams.has('_asOf') ? '旧' : '新', given: ['名'] }] } }] }) }))
    await visit.open('/people/e2e-past?day=2026-06-20')
    await visit.sees('这是 2026-06-20 结束时的档案，之后又写入 2 条', '旧名')
    await visit.looks_right('person-past-day')
    const slider = page.locator('input[type=range]')
    await slider.focus()
    await page.keyboard.press('PageUp')
    await page.waitForURL((url) => url.searchParams.get('day') === '2026-06-15')
    await page.keyboard.press('ArrowRight')
    await page.waitForURL((url) => url.searchParams.get('day') === '2026-06-16')
    await page.keyboard.press('PageDown')
    await page.waitForURL((url) => url.searchParams.get('day') === '2026-11-06')
    await page.unroute('**/api/v1/people/e2e-past/timeline')
    await page.unroute('**/fhir/Patient/e2e-past/$everything?*')
    visit.problems.length = 0
  })

  /* system */
  await check('the system page has latencies by kind, space, views and backups, and begins a backup', async () => {
    await visit.open('/system')
    await visit.sees('请求用时', '空间', '备份')
    await page.click('text=做完整备份')
    await page.waitForSelector('.list .st', { timeout: 30_000 })
    await visit.looks_right('system-full')
    visit.problems.length = 0
  })
  await check('the new pages speak English too', async () => {
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'en'))
    for (const path of ['/views', '/views/_new', '/exports', '/explorer/Basic/e2e-history/edit', '/explorer/Observation?code=8302-2&_explain=true', '/system', '/terminology/translate?map=http://hl7.org/fhir/ConceptMap/101']) {
      await visit.open(path)
      const left = (await visit.text()).match(/\p{Script=Han}+/gu) ?? []
      const data = /^\/(views$|terminology|explorer)/.test(path) // titles of views, maps and national profiles are Chinese by nature
      equal(data ? [] : left.filter((word) => !['管理员', '管'].includes(word)), [], `${path}: Chinese on an English page`)
      await visit.looks_right(`en-${path.replace(/[^a-z]+/gi, '-').slice(1, 30)}`)
    }
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'zh-CN'))
    visit.problems.length = 0
  })
  await check('a clinician is told that exports are not hers', async () => {
    const own = await browser.newContext({ viewport: wide, locale: 'zh-CN', reducedMotion: 'reduce' })
    const doctor = new Visit(await own.newPage(), server.base, pictures)
    await doctor.sign_in('doctor', password)
    await doctor.sees('找谁')
    holds(!(await doctor.page.locator('.rail').innerText()).includes('导出'), 'no place for it in the rail')
    await doctor.open('/exports')
    await doctor.sees('这一页不是给您的身份用的')
    await own.close()
  })
  await context.close()
}
