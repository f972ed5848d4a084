// SPDX-License-Identifier: Apache-2.0
// What a doctor does with the pages, in a real browser against the real server.
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { Visit, wide } from './visit.mjs'

export async function pages(browser, server, pictures) {
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce' })
  const visit = new Visit(await context.newPage(), server.base, pictures)
  const { page } = visit
  const check = (name, body) => test(name, body, (failed) => visit.picture(`failed-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))

  await check('the door asks strangers in and remembers where they wanted to go', async () => {
    await visit.open('/people?sex=female')
    await visit.sees('登录', '账号', '密码')
    equal(new URL(page.url()).searchParams.get('to'), '/people?sex=female', 'return address')
    await visit.looks_right('login')
  })
  await check('the door says what is missing and what is wrong', async () => {
    await page.fill('input[name=name]', '')
    await page.click('button.pri')
    await visit.sees('请填账号。')
    await page.fill('input[name=name]', 'doctor')
    await page.fill('input[name=password]', 'wrong-password')
    await page.keyboard.press('Enter')
    await visit.sees('账号或密码不对')
    await visit.accessible('login with an error')
  })
  await check('the door speaks English too', async () => {
    await page.click('button[lang=en]')
    await visit.sees('Use the account your organisation gave you.')
    await page.click('button[lang=zh-CN]')
    await visit.sees('用单位发给您的账号。')
  })
  await check('a one-time password must be changed before anything opens', async () => {
    const own = await browser.newContext({ viewport: wide, locale: 'zh-CN', reducedMotion: 'reduce' })
    const first = new Visit(await own.newPage(), server.base, pictures)
    await first.sign_in('newcomer', server.one_time)
    await first.sees('请设一个自己的密码')
    await first.open('/people')
    await first.sees('请设一个自己的密码', '现在的密码')
    const fields = first.page.locator('form input[type=password]:visible')
    const fill = async (...values) => {
      for (let i = 0; i < values.length; i++) await fields.nth(i).fill(values[i])
    }
    await fill(server.one_time, 'short', 'short')
    await first.page.click('button.pri')
    await first.sees('新密码至少要 10 个字符。')
    await first.looks_right('first-login')
    await fill(server.one_time, 'plum-and-apricot-7', 'plum-and-apricot-7')
    await first.page.click('button.pri')
    await first.page.waitForURL((url) => url.pathname === '/people')
    await own.close()
  })
  await check('those without the right are told whom to ask', async () => {
    const own = await browser.newContext({ viewport: wide, locale: 'zh-CN', reducedMotion: 'reduce' })
    const auditor = new Visit(await own.newPage(), server.base, pictures)
    await auditor.sign_in('auditor', password)
    await auditor.page.waitForURL((url) => url.pathname === '/audit') // an auditor does not begin with people
    await auditor.open('/people')
    await auditor.sees('这一页不是给您的身份用的', '请找管理员开通')
    await auditor.accessible('no right')
    await own.close()
  })
  await check('a server that cannot be reached is said at the door', async () => {
    await page.route('**/auth/me', (route) => route.abort())
    await visit.open('/')
    await visit.sees('连不上服务器', '请检查网络')
    await page.unroute('**/auth/me')
    await page.click('button:has-text("再试一次")')
    await page.waitForFunction(() => !document.body.innerText.includes('连不上服务器'))
    visit.problems.length = 0
  })
  await check('signing in leads to the page that was wanted', async () => {
    await visit.open('/people?sex=female')
    await page.fill('input[name=name]', 'doctor')
    await page.fill('input[name=password]', password)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname === '/people' && url.searchParams.get('sex') === 'female')
  })
  await check('home shows the figures of the house', async () => {
    await visit.open('/')
    await visit.sees('李医生，您好。找谁？', '居民', '记录的种类', '还没有打开过档案')
    await visit.looks_right('home')
  })

  const people = (await (await page.request.get(`${server.base}/api/v1/people?count=100`)).json()).people ?? []
  holds(people.length > 0, 'the samples hold people')
  const headers = []
  for (const person of people.slice(0, 40)) headers.push(await (await page.request.get(`${server.base}/api/v1/people/${person.id}`)).json())
  const richest = headers.reduce((best, one) => ((one.counts.Observation ?? 0) > (best.counts.Observation ?? 0) ? one : best))

  await check('Ctrl K finds a person and Enter opens the record', async () => {
    await page.keyboard.press('Control+k')
    await visit.sees('查询已记录')
    await page.keyboard.type(richest.name.split(' ').at(-1).slice(0, 5), { delay: 30 })
    await page.waitForSelector('.finder [role=option]')
    await visit.accessible('finder')
    await visit.picture('find-1440x900')
    while (!(await page.locator('.finder [role=option][aria-selected=true]').innerText()).includes(richest.name)) await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/people/${richest.id}`)
    await visit.settled()
    holds(!(await page.title()).includes(richest.name.split(' ')[0]), 'the title of the tab holds no name')
    equal(await page.title(), '健康档案 · 杏林', 'title')
  })
  await check('the slash opens the search, and nobody found is said kindly', async () => {
    await page.keyboard.press('/')
    await page.waitForSelector('.finder')
    await page.keyboard.type('zzqqzz')
    await visit.sees('没有符合“zzqqzz”的人')
    await visit.accessible('finder without results')
    await page.keyboard.press('Escape')
    await page.waitForSelector('.finder', { state: 'detached' })
  })
  await check('the list of people filters by the address and survives a reload', async () => {
    await visit.open('/people')
    await visit.sees(people[0].name)
    await visit.looks_right('people')
    await page.locator('.filters select').first().selectOption('male')
    await page.waitForURL((url) => url.searchParams.get('sex') === 'male')
    await visit.settled()
    const men = await page.locator('tbody tr').count()
    await page.reload()
    await visit.settled()
    equal(await page.locator('tbody tr').count(), men, 'rows after reload')
    equal(await page.locator('tbody tr td:nth-child(2)').allInnerTexts().then((all) => [...new Set(all)]), ['男'], 'sexes')
    await visit.open('/people?q=zzqqzz&age=65%2B')
    await visit.sees('没有符合的人', '去掉“65 岁及以上”')
    await visit.accessible('people without results')
  })

  await check('the overview shows lanes, latest records, trends, medicines, who looked', async () => {
    await visit.open(`/people/${richest.id}`)
    await visit.sees(richest.name, '各机构记录', '最近记录', '在用药', '谁看过', '本次访问已记录')
    await page.waitForSelector('.lanes-card svg .mark')
    await visit.looks_right('person')
    await page.locator('.lanes-card .place').focus()
    await page.keyboard.press('+')
    await visit.sees('选定')
    await page.keyboard.press('Escape')
    const drawing = await page.locator('.lanes-card svg.drawing').boundingBox()
    await page.mouse.move(drawing.x + drawing.width * 0.5, drawing.y + 20)
    await page.mouse.down()
    await page.mouse.move(drawing.x + drawing.width * 0.8, drawing.y + 20, { steps: 4 })
    await page.mouse.up()
    await visit.sees('选定')
    await page.click('.seg >> text=一生')
    await page.locator('.lanes-card .drawing .mark').last().click({ force: true })
    await visit.sees('选中的记录', '回到最近记录')
    await page.click('text=回到最近记录')
    await visit.picture('person-life-1440x900')
  })
  await check('what is masked opens on a click and is written down', async () => {
    await visit.open(`/people/${richest.id}`)
    const masked = page.locator('.masked').first()
    const before = await masked.innerText()
    holds(before.includes('*'), 'covered at first')
    await masked.locator('button').click()
    await page.waitForFunction((old) => document.querySelector('.masked')?.textContent?.trim() !== old, before.trim())
    holds(!(await masked.innerText()).includes('*'), 'shown after the click')
    const looks = await (await page.request.get(`${server.base}/api/v1/people/${richest.id}/accesses?count=50`)).json()
    holds(looks.accesses.some((one) => one.what === 'reveal'), 'the audit knows')
    await page.click('.looked >> text=全部')
    await visit.sees('显示证件或电话')
    await visit.accessible('who looked')
    await page.keyboard.press('Escape')
  })
  for (const [tab, words] of [['encounters', '就诊'], ['results', '指标'], ['medication', '在用药'], ['immunization', '疫苗'], ['documents', '文书']]) {
    await check(`the tab ${tab} opens by its address`, async () => {
      await visit.open(`/people/${richest.id}/${tab}`)
      await visit.sees(words)
      await visit.looks_right(`person-${tab}`)
    })
  }
  await check('an encounter opens with what happened in it', async () => {
    await visit.open(`/people/${richest.id}/encounters`)
    equal(await page.locator('.year li').count(), Math.min(100, richest.counts.Encounter), 'encounters listed')
    await page.locator('.year li .line').nth(2).click()
    holds((await page.locator('.year li.open').count()) >= 2, 'two are open')
    const years = await page.locator('.year h3').allInnerTexts()
    const year = years.filter((text) => /^\d{4}$/.test(text))[1]
    await page.click('.date-range')
    await page.waitForSelector('.el-date-range-picker', { state: 'visible' })
    await visit.accessible('choosing dates')
    await page.keyboard.press('Escape')
    await visit.open(`/people/${richest.id}/encounters?from=${year}-01-01&to=${year}-12-31`)
    equal((await page.locator('.year h3').allInnerTexts()).filter((text) => /^\d{4}$/.test(text)), [year], 'only the year asked for')
  })
  await check('results move with the arrow keys, and each has a table', async () => {
    await visit.open(`/people/${richest.id}/results`)
    const list = page.locator('[role=listbox]')
    await list.focus()
    const first = await page.locator('.main h2').innerText()
    await page.keyboard.press('ArrowDown')
    await page.waitForFunction((old) => document.querySelector('.main h2')?.textContent !== old, first)
    holds((await page.locator('.main tbody tr').count()) > 0, 'rows')
    holds(new URL(page.url()).searchParams.get('code'), 'the measure is in the address')
  })
  await check('the print page is A4, and printing is written down', async () => {
    await page.addInitScript(() => {
      window.print = () => {
        document.body.dataset['printed'] = 'yes'
      }
    })
    await visit.open(`/people/${richest.id}/print`)
    await visit.sees('健康档案摘要', '最近一次结果')
    await visit.looks_right('person-print')
    await page.click('button.pri')
    await page.waitForSelector('body[data-printed=yes]')
    const looks = await (await page.request.get(`${server.base}/api/v1/people/${richest.id}/accesses?count=50`)).json()
    holds(looks.accesses.some((one) => one.what === 'print'), 'the audit knows')
    const pdf = await page.pdf({ format: 'A4' })
    holds(pdf.length > 10_000, 'a page comes out')
  })
  await check('every place of the rail opens and looks right', async () => {
    await visit.open('/')
    for (const path of await page.locator('.rail a.place').evaluateAll((links) => links.map((link) => link.getAttribute('href')))) {
      await visit.open(path)
      await visit.looks_right(`rail${path.replaceAll('/', '-')}`)
    }
  })
  await check('an unknown person and an unknown address say what to do', async () => {
    await visit.open('/people/nobody-here')
    await visit.sees('没有这份档案')
    await visit.accessible('unknown person')
    await visit.open('/no/such/page')
    await visit.sees('没有这个地址', '回首页')
    visit.problems.length = 0
  })
  await check('a failing server is shown with its trace, and a second try works', async () => {
    await page.route('**/api/v1/people?*', (route) => route.fulfill({ status: 500, contentType: 'application/json', body: JSON.stringify({ error: { code: 'exception', message: '', trace: '4bf92f3577b34da6' } }) }))
    await visit.open('/people')
    await visit.sees('没有载入', '追踪号 4bf92f3577b34da6')
    await visit.accessible('an error')
    await visit.picture('error-1440x900')
    await page.unroute('**/api/v1/people?*')
    await page.click('button:has-text("再试一次")')
    await visit.sees(people[0].name)
    visit.problems.length = 0
  })
  await check('English pages leave no Chinese behind', async () => {
    await visit.open(`/people/${richest.id}`)
    await page.click('.me')
    await page.click('.menu >> text=English')
    await visit.sees('Records by institution')
    for (const path of ['/', '/people', `/people/${richest.id}/results`, `/people/${richest.id}/print`]) {
      await visit.open(path)
      const left = (await visit.text()).replaceAll('李医生', '').match(/\p{Script=Han}+/gu) ?? []
      equal(left.filter((word) => word !== '李'), [], `${path}: Chinese on an English page`)
    }
    await visit.open('/')
    await visit.picture('home-en-1440x900')
    await page.click('.me')
    await page.click('.menu >> text=简体中文')
    await visit.sees('您好')
  })
  await check('a session that has ended leads to the door and back', async () => {
    await visit.open('/people')
    await context.clearCookies()
    await page.locator('.filters select').first().selectOption('female')
    await visit.sees('登录已过期。重新登录后会回到刚才的页面。')
    await page.fill('input[name=name]', 'doctor')
    await page.fill('input[name=password]', password)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname === '/people')
    visit.problems.length = 0
  })
  await check('signing out closes the house and forgets whom one had open', async () => {
    await page.click('.me')
    await page.click('.menu >> text=退出登录')
    await page.waitForURL((url) => url.pathname === '/login')
    equal(await page.evaluate(() => sessionStorage.getItem('xinglin.recent')), '[]', 'recently opened')
    await visit.open(`/people/${richest.id}`)
    await page.waitForURL((url) => url.pathname === '/login' && url.searchParams.has('to'))
  })
  await check('too many failures are slowed down, with the seconds to wait', async () => {
    for (let i = 0; i < 7 && !(await visit.text()).includes('试错次数太多'); i++) {
      await page.fill('input[name=name]', 'guesser')
      await page.fill('input[name=password]', `guess-number-${i}`)
      await page.click('form button.pri')
      await page.waitForTimeout(300)
    }
    await visit.sees('试错次数太多，请等')
    holds(await page.locator('form button.pri').isDisabled(), 'the button waits')
    await visit.accessible('too many failures')
  })
  await context.close()
}
