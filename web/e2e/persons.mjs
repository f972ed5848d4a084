// SPDX-License-Identifier: Apache-2.0
// The person index desk: people of its own, a question that comes, evidence, link and undo, apart, split, figures; four eyes on a server of their own.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { equal, holds, test } from './check.mjs'
import { password, start } from './server.mjs'
import { phone, Visit, wide } from './visit.mjs'

const json = 'application/fhir+json'
const patient = (id, name, birth, more = {}) => ({ resourceType: 'Patient', id, name: [{ text: name }], gender: 'male', birthDate: birth, telecom: more.phone ? [{ system: 'phone', value: more.phone }] : undefined, address: more.address ? [{ text: more.address }] : undefined, identifier: [{ system: 'urn:e2e:desk', value: `desk-${id}` }, ...(more.number ? [{ system: 'urn:oid:2.16.156.10011.1.3', value: more.number }] : [])], meta: { source: `urn:e2e:${more.source ?? 'clinic'}` } })

/** Pairs of one name and phone and of two birth dates, which are asked about, and one pair that links by itself. */
const pairs = [
  ['desk-1a', 'desk-1b', '章砚秋', '1962-04-18', '1972-11-03'],
  ['desk-2a', 'desk-2b', '闻人砚北', '1971-09-02', '1960-03-27'],
]
const street = '某市某区砚台街'
const people = () => [
  ...pairs.flatMap(([a, b, name, birth, other], at) => [patient(a, name, birth, { phone: `1760000${at}101` }), patient(b, name, other, { phone: `1760000${at}101`, source: 'hospital' })]),
  patient('desk-3a', '司徒砚池', '1958-12-30', { phone: '17600009301', address: `${street}9号`, number: '130399195812300034' }),
  patient('desk-3b', '司徒砚池', '1958-12-30', { phone: '17600009301', address: `${street}9号`, number: '130399195812300034', source: 'hospital' }),
]

async function prepare(server) {
  for (const one of people()) {
    const response = await fetch(`${server.base}/fhir/Patient/${one.id}`, { method: 'PUT', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': json }, body: JSON.stringify(one) })
    holds(response.ok, `Patient/${one.id} answered ${response.status}: ${(await response.text()).slice(0, 300)}`)
  }
}
/** The open question about these two. */
async function question(page, base, ids) {
  for (let i = 0; i < 100; ++i) {
    const { tasks } = await (await page.request.get(`${base}/api/v1/persons/queue?count=200`)).json()
    const found = tasks.find(({ task }) => ids.includes(task.a) && ids.includes(task.b))
    if (found) return found.task
    await page.waitForTimeout(100)
  }
  throw new Error(`no question about ${ids.join(' and ')}`)
}
const person = async (page, base, id) => (await page.request.get(`${base}/api/v1/persons/${id}`)).json()
const live = (one) => one.records.filter((each) => each.live).map((each) => each.id).sort()

export async function persons(browser, server, pictures) {
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', acceptDownloads: true })
  const visit = new Visit(await context.newPage(), server.base, pictures)
  const { page } = visit
  const check = (name, body) => test(name, body, (failed) => visit.picture(`failed-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))
  await prepare(server)
  await visit.sign_in('admin', password)
  await visit.sees('找谁')
  let first

  await check('two records alike are a question, with its evidence and a picture', async () => {
    first = await question(page, server.base, ['desk-1a', 'desk-1b'])
    await visit.open(`/persons?task=${first.number}`)
    await visit.sees('章砚秋', '比特', '同一人的可能性', '关联图')
    await page.waitForSelector('.picture .node')
    holds((await page.locator('.compare tr.same').count()) >= 2, 'name and phone are the same')
    await visit.looks_right('persons-desk')
  })
  await check('it is linked by a key, and the note takes it back', async () => {
    await page.keyboard.press('l')
    await visit.sees('已关联')
    equal(live(await person(page, server.base, 'desk-1a')), ['desk-1a', 'desk-1b'], 'one person')
    await page.locator('.toast button').first().click()
    await visit.sees('已撤销')
    equal(live(await person(page, server.base, 'desk-1a')), ['desk-1a'], 'two again')
    equal((await question(page, server.base, ['desk-1a', 'desk-1b'])).number, first.number, 'a question again')
  })
  await check('it is kept apart with a reason, and the history says so', async () => {
    await visit.open(`/persons?task=${first.number}`)
    await page.fill('.why', '两个人都来过窗口')
    await page.getByRole('button', { name: '不是同一人' }).click()
    await visit.sees('已分开')
    await visit.open('/persons/desk-1a')
    await visit.sees('章砚秋', '不是同一人，程序不会再关联', '两个人都来过窗口')
    await visit.looks_right('persons-one')
  })
  await check('a person is found by a number of any record, split in the picture, and put together again by the history', async () => {
    await visit.open('/persons')
    await page.fill('.find input', '司徒砚池')
    await page.click('.hits button')
    await page.waitForURL((url) => /\/persons\/desk-3/.test(url.pathname))
    await visit.sees('司徒砚池', '自动关联')
    await page.locator('.edge').first().focus()
    await page.keyboard.press('Enter')
    await visit.sees('身份证号相同')
    await page.locator('.node').nth(1).click()
    await page.getByRole('button', { name: '移出 1 条…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: '移出' }).click()
    await visit.sees('已移出', '另一个人')
    equal(live(await person(page, server.base, 'desk-3a')).length, 1, 'two persons')
    await visit.looks_right('persons-split')
    await page.locator('.lines').getByRole('button', { name: '撤销' }).first().click()
    await page.waitForFunction(() => document.querySelectorAll('.node:not(.ghost)').length === 2)
    equal(live(await person(page, server.base, 'desk-3a')), ['desk-3a', 'desk-3b'], 'one person again')
  })
  await check('the figures add up and are downloaded', async () => {
    await visit.open('/persons/statistics')
    await visit.sees('各来源的关联情况', '核对工作量', 'admin')
    await visit.looks_right('persons-statistics')
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '下载 CSV' }).click()])
    const text = readFileSync(await file.path(), 'utf8')
    holds(text.includes('核对人,admin'), `the reviewer is in the table: ${text.slice(-200)}`)
  })
  await check('the pages of the index fit a phone and speak English', async () => {
    await page.setViewportSize(phone)
    const task = await question(page, server.base, ['desk-2a', 'desk-2b'])
    await visit.open('/persons')
    await page.getByRole('button', { name: '闻人砚北' }).first().click()
    await page.getByRole('button', { name: '返回列表' }).click()
    await page.waitForSelector('.tasks')
    await page.setViewportSize(wide)
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'en'))
    for (const path of ['/persons/statistics', `/persons?task=${task.number}`, '/persons/desk-3a']) {
      await visit.open(path)
      await visit.looks_right(`en${path.replace(/[^a-z]+/gi, '-').slice(0, 20)}`)
      const left = (await visit.text()).match(/\p{Script=Han}+/gu) ?? []
      holds(left.every((word) => /^(管理员|管|试送|章砚秋|闻人砚北|司徒砚池|.)$|街|号|窗口|某/.test(word)) || path.includes('statistics'), `${path}: Chinese on an English page: ${left.slice(0, 10)}`)
    }
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'zh-CN'))
    visit.problems.length = 0
  })
  await context.close()
  await four_eyes(browser, server, pictures)
}

/** With four eyes two people decide, so this server has a setting of its own. */
async function four_eyes(browser, shared, pictures) {
  const content = mkdtempSync(join(tmpdir(), 'xinglin-e2e-content-'))
  cpSync(shared.content, content, { recursive: true })
  const settings = join(content, 'persons', 'settings.json')
  writeFileSync(settings, JSON.stringify({ ...JSON.parse(readFileSync(settings, 'utf8')), four_eyes: true }))
  const server = await start(shared.binary, shared.samples, ['--content', content])
  const login = async (name) => {
    const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
    const visit = new Visit(await context.newPage(), server.base, pictures)
    await visit.sign_in(name, password)
    await visit.sees('找谁')
    return visit
  }
  try {
    await prepare(server)
    await test('with four eyes the first proposes, and only somebody else confirms', async () => {
      const doctor = await login('doctor')
      const { number } = await question(doctor.page, server.base, ['desk-2a', 'desk-2b'])
      await doctor.open(`/persons?task=${number}`)
      await doctor.sees('要两个人看过才算数')
      await doctor.page.getByRole('button', { name: '提出：是同一人' }).click()
      await doctor.sees('已提出')
      await doctor.open(`/persons?task=${number}`)
      await doctor.sees('等另一人确认')
      await doctor.looks_right('persons-proposed')
      equal(live(await person(doctor.page, server.base, 'desk-2a')), ['desk-2a'], 'not yet')
      const admin = await login('admin')
      await admin.open(`/persons?task=${number}`)
      await admin.page.getByRole('button', { name: '确认：是同一人' }).click()
      await admin.sees('已关联')
      equal(live(await person(admin.page, server.base, 'desk-2a')), ['desk-2a', 'desk-2b'], 'one person')
      await admin.page.context().close()
      await doctor.page.context().close()
    })
  } finally {
    await server.stop()
    rmSync(content, { recursive: true, force: true })
  }
}
