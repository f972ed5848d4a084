// SPDX-License-Identifier: Apache-2.0
// Data quality: the ranking, an institution, what failed and how to mend it, the workbook and the letter; in a real browser.
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { phone, Visit, wide } from './visit.mjs'

const bundle = (entries) => ({ resourceType: 'Bundle', type: 'transaction', entry: entries.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } })) })

export async function quality(browser, server, pictures) {
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  const visit = new Visit(await context.newPage(), server.base, pictures)
  const { page } = visit
  const check = (name, body) => test(name, body, (failed) => visit.picture(`failed-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))
  const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
  const visits = Array.from({ length: 30 }, (_, i) => ({
    resourceType: 'Encounter', id: `e2e-quality-${i}`, status: 'finished', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    ...(i < 12 ? {} : { participant: [{ individual: { display: '某医生' } }] }),
    identifier: [{ value: `Q${i}` }], reasonCode: [{ text: '咳嗽' }], period: { start: `${day}T0${i % 9}:1${i % 6}:00+08:00`, end: `${day}T0${i % 9}:5${i % 6}:00+08:00` },
    subject: { reference: 'Patient/e2e-quality' }, serviceProvider: { reference: 'Organization/e2e-quality' },
  }))
  await visit.sign_in('admin', password)
  await visit.sees('找谁')

  await check('figures of data quality follow what is stored', async () => {
    const stored = await fetch(`${server.base}/fhir`, { method: 'POST', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/fhir+json' }, body: JSON.stringify(bundle([{ resourceType: 'Organization', id: 'e2e-quality', name: '端到端社区医院' }, { resourceType: 'Patient', id: 'e2e-quality', name: [{ text: '端对端' }] }, ...visits])) })
    equal(stored.status, 200, 'the bundle is stored')
    const until = Date.now() + 30_000
    for (;;) {
      const found = await (await page.request.get(`${server.base}/api/v1/quality`)).json()
      const one = found.institutions.find((each) => each.id === 'e2e-quality')
      if (one?.volume === 30) {
        equal(one.sets.map((set) => set.set), ['outpatient-visit'])
        holds(one.completeness < 100 && one.validity === 100 && one.timeliness === null, 'doctors are missing, and nothing came as a message')
        break
      }
      holds(Date.now() < until, `no figures in time: ${JSON.stringify(found.state)}`)
      await page.waitForTimeout(300)
    }
  })
  await check('the ranking of institutions looks right, on a phone too', async () => {
    await visit.open('/quality')
    await visit.sees('机构排名', '端到端社区医院')
    await visit.looks_right('quality')
    await page.setViewportSize(phone)
    await visit.open('/quality')
    await visit.looks_right('quality-phone')
    await page.setViewportSize(wide)
  })
  await check('an institution shows what failed and how to mend it', async () => {
    await visit.open('/quality/e2e-quality')
    await visit.sees('端到端社区医院', '写明责任医生', '12 / 30')
    await page.locator('.rule').first().click()
    await visit.sees('怎么改', 'Encounter/e2e-qual')
    await visit.looks_right('quality-institution')
    holds(!(await visit.text()).includes('端对端'), 'no names of persons')
  })
  await check('the workbook and the letter are there', async () => {
    const book = await page.request.get(`${server.base}/api/v1/quality.xlsx?organization=e2e-quality`)
    equal(book.status(), 200)
    equal((await book.body()).subarray(0, 2).toString(), 'PK')
    for (const lang of ['zh-CN', 'en']) {
      const letter = await page.request.get(`${server.base}/api/v1/quality/letter?organization=e2e-quality&lang=${lang}`)
      equal(letter.status(), 200, await letter.text().catch(() => ''))
      equal((await letter.body()).subarray(0, 5).toString(), '%PDF-')
    }
    equal((await page.request.get(`${server.base}/api/v1/quality/letter?organization=nobody`)).status(), 404)
    equal((await page.request.get(`${server.base}/api/v1/quality?from=2026-13-01`)).status(), 422)
  })
  await check('the pages of data quality speak English too', async () => {
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'en'))
    for (const path of ['/quality', '/quality/e2e-quality']) {
      await visit.open(path)
      const left = (await visit.text()).match(/\p{Script=Han}+/gu) ?? []
      equal(left.filter((word) => !['管理员', '管', '端到端社区医院', '端到端医院'].includes(word)), [], `${path}: Chinese on an English page`)
    }
    await page.evaluate(() => localStorage.setItem('xinglin.language', 'zh-CN'))
    visit.problems.length = 0
  })
  await context.close()
}
