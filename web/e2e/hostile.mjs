// SPDX-License-Identifier: Apache-2.0
// Markup and scripts in every text of every resource that pages show: nothing runs, nothing loads, nothing becomes an element.
//
// A sample record is taken whole and each string in it, whatever it is called, becomes a payload of its own; what the server refuses
// (a code of a closed list, a broken narrative) is put back and tried again. Then the pages are walked from link to link.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { Visit, wide } from './visit.mjs'

const canary = 'canary.invalid'
const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" onload="window.__xss('svg')"><script>window.__xss('svg')</script></svg>`).toString('base64')
const html = Buffer.from(`<script>window.__xss('html')</script>`).toString('base64')
const kept = new Set(['resourceType', 'id', 'reference', 'versionId', 'lastUpdated', 'profile', 'div', 'status', 'linkId'])
const shapes = [
  (n) => `<img src=x onerror=window.__xss(${n})>`,
  (n) => `"><script>window.__xss(${n})</script>`,
  (n) => `'><svg/onload=window.__xss(${n})>`,
  (n) => `<a href="javascript:window.__xss(${n})">x</a>`,
  (n) => `{{constructor.constructor('window.__xss(${n})')()}}`,
  (n) => `<iframe src="https://${canary}/${n}"></iframe>`,
  (n) => `</textarea></title></style><script src=https://${canary}/${n}></script>`,
  (n) => `[x](javascript:window.__xss(${n}))<style>@import'https://${canary}/${n}'</style>`,
]
let counted = 0
const payload = (key) => {
  const n = ++counted
  if (key === 'url' || key === 'system' || key === 'uri' || key === 'valueUri') return n % 2 ? `javascript:window.__xss(${n})` : `https://${canary}/${n}"onmouseover="window.__xss(${n})`.replaceAll('"', '%22')
  if (key === 'code' || key === 'value' || key === 'valueCode') return `<img/src=x/onerror=window.__xss(${n})>`
  return shapes[n % shapes.length](n)
}
const is_text = (text) => !/^\d{4}(-\d\d){0,2}(T.*)?$/.test(text) && !/^#?(urn:uuid:|[A-Z][A-Za-z]+[/?])/.test(text)

/** Every string of the resource made hostile, but for the places (names of members from the top, without numbers) that are to stay. */
function poisoned(value, spared, path = '') {
  if (Array.isArray(value)) return value.map((each) => poisoned(each, spared, path))
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, key === 'data' ? (counted++ % 2 ? svg : html) : poisoned(each, spared, `${path}.${key}`)]))
  const key = path.slice(path.lastIndexOf('.') + 1)
  if (typeof value !== 'string' || kept.has(key) || !is_text(value) || spared.has(path)) return value
  if (key === 'contentType') return counted++ % 2 ? 'image/svg+xml' : 'text/html'
  return payload(key)
}

async function store(server, resource) {
  const spared = new Set()
  for (let round = 0; round < 12; ++round) {
    const hostile = poisoned(resource, spared)
    const answer = await fetch(`${server.base}/fhir/${resource.resourceType}/${resource.id}`, { method: 'PUT', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/fhir+json' }, body: JSON.stringify(hostile) })
    if (answer.ok) return hostile
    holds(answer.status < 500, `${resource.resourceType}: ${answer.status}`)
    const before = spared.size
    for (const issue of (await answer.json()).issue ?? []) {
      const where = (issue.expression?.[0] ?? issue.location?.[0] ?? '').replace(/\[\d+\]/g, '').replace(/^[A-Za-z]+/, '').replace(/\.ofType\([^)]*\)/g, '')
      // A refusal names the element or what holds it: spare that, and what is in it.
      for (const path of paths_of(resource)) if (where && (path === where || path.startsWith(`${where}.`) || path.replace(/value[A-Z][A-Za-z]*/, 'value') === where)) spared.add(path)
    }
    if (spared.size === before) return null
  }
  return null
}
function paths_of(value, path = '') {
  if (Array.isArray(value)) return value.flatMap((each) => paths_of(each, path))
  if (value && typeof value === 'object') return Object.entries(value).flatMap(([key, each]) => paths_of(each, `${path}.${key}`))
  return [path]
}

/** One record of the samples, smallest first, with ids of its own and references that lead within it. */
function sample(server) {
  const files = readdirSync(server.samples).filter((name) => name.endsWith('.json.gz')).map((name) => join(server.samples, name))
  const bundle = files.map((file) => JSON.parse(gunzipSync(readFileSync(file)))).sort((a, b) => a.entry.length - b.entry.length)[0]
  const ids = new Map(bundle.entry.map(({ fullUrl, resource }, at) => [fullUrl, `${resource.resourceType}/xss-${at}`]))
  const moved = (value) => Array.isArray(value) ? value.map(moved) : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, moved(each)])) : (ids.get(value) ?? value)
  return bundle.entry.map(({ fullUrl, resource }) => ({ ...moved(resource), id: ids.get(fullUrl).split('/')[1] }))
}

/** What must not be there, in the page's own words; [] when nothing is. */
const found_in = (page) => page.evaluate(() => {
  const wrong = [...document.querySelectorAll('iframe, object, embed, base, script:not([src^="/"]), [src*="canary.invalid"], [href*="canary.invalid"][rel]')].map((one) => one.outerHTML.slice(0, 120))
  for (const one of document.querySelectorAll('*')) for (const { name, value } of one.attributes) if (/^on/i.test(name) || (/^(href|src|action|formaction|xlink:href)$/i.test(name) && /^\s*(javascript|vbscript|data:text)/i.test(value))) wrong.push(one.outerHTML.slice(0, 120))
  return [...wrong, ...(window.__ran ?? []).map((one) => `ran: ${one}`)]
})

export async function hostile(browser, server, pictures) {
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  await context.addInitScript(() => {
    window.__ran = []
    window.__xss = (what) => window.__ran.push(String(what))
    document.addEventListener('securitypolicyviolation', (event) => window.__ran.push(`policy: ${event.violatedDirective} ${event.blockedURI}`))
  })
  const page = await context.newPage()
  const visit = new Visit(page, server.base, pictures)
  const outside = []
  page.on('dialog', (dialog) => outside.push(`dialog: ${dialog.message()}`) && dialog.dismiss())
  page.on('request', (request) => new URL(request.url()).origin !== server.base && !/^(data|blob):/.test(request.url()) && outside.push(request.url()))
  page.on('popup', (popup) => outside.push(`popup: ${popup.url()}`))
  const check = (name, body) => test(name, body, () => visit.picture(`failed-${name.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))
  const stored = new Map()
  await check('a record in which every text is an attack is stored', async () => {
    const refused = []
    for (const resource of sample(server)) {
      const put = await store(server, resource)
      if (put) stored.set(put.resourceType, [...(stored.get(put.resourceType) ?? []), put.id])
      else refused.push(resource.resourceType)
    }
    holds(stored.get('Patient')?.length === 1 && stored.size >= 8, `stored: ${[...stored.keys()]}; refused: ${[...new Set(refused)]}`)
    holds(counted > 500, `${counted} texts`)
  })
  await visit.sign_in('admin', password)
  await page.waitForURL((url) => url.pathname !== '/login')
  await visit.settled()
  const seen = new Set()
  const shape_of = (path) => path.replace(/[?#].*/, '').replace(/xss-\d+/g, 'ID').replace(/[0-9a-f]{8}-[0-9a-f-]{27,}/g, 'ID').replace(/\/\d+/g, '/N')
  const walk = async (path, most_of_a_kind, kinds, queue) => {
    if (seen.has(path) || (kinds.get(shape_of(path)) ?? 0) >= most_of_a_kind) return
    seen.add(path)
    kinds.set(shape_of(path), (kinds.get(shape_of(path)) ?? 0) + 1)
    await visit.open(path)
    holds(!page.url().includes('/login'), `${path} led to the login`)
    for (const tab of await page.locator('main [role=tab], main summary').all()) await tab.click({ timeout: 1000 }).catch(() => {})
    await visit.settled()
    equal(await found_in(page), [], path)
    equal(outside.splice(0), [], `${path}: asked for outside`)
    for (const link of await page.evaluate(() => [...document.querySelectorAll('a[href^="/"]')].map((one) => one.getAttribute('href')))) if (!/^\/(login|activate|apps\/|oauth|auth|api|fhir)|\.[a-z]+$/.test(link)) queue.push(link)
  }
  const patient = () => stored.get('Patient')[0]
  await check('no page that shows the record runs anything of it', async () => {
    const kinds = new Map(), queue = []
    const first = ['', '/encounters', '/results', '/medication', '/immunization', '/documents', '/print'].map((tab) => `/people/${patient()}${tab}`)
    for (const path of [...first, `/card/person/${patient()}`, `/consent/person/${patient()}`, '/people?q=%3Cimg']) await walk(path, 9, kinds, queue)
    for (const [type, ids] of stored) {
      await walk(`/explorer/${type}`, 99, kinds, queue)
      for (const tab of ['', '/xml', '/edit']) await walk(`/explorer/${type}/${ids[0]}${tab}`, 99, kinds, queue)
    }
    holds(seen.size > 40, `${seen.size} pages`)
  })
  await check('nor does any page that links lead to', async () => {
    const kinds = new Map(), queue = ['/', '/people', '/registry', '/persons', '/quality', '/screen', '/views', '/audit', '/accounts', '/policy', '/messages', '/errors', '/sources', '/channels', '/exports', '/imports', '/mappings', '/terminology']
    while (queue.length && seen.size < 100) await walk(queue.shift(), 2, kinds, queue)
  })
  await check('names with markup are read as they are written', async () => {
    await visit.open(`/explorer/Patient/${patient()}/json`)
    const resource = await (await fetch(`${server.base}/fhir/Patient/${patient()}`, { headers: { Authorization: `Bearer ${server.token}` } })).json()
    holds(resource.name[0].family.includes('__xss') || resource.name[0].given?.[0].includes('__xss'), 'the name is one of the attacks')
    await visit.open(`/people/${patient()}`)
    const text = await visit.text()
    holds([resource.name[0].family, ...(resource.name[0].given ?? []), resource.name[0].text].some((part) => part && text.includes(part)), text.slice(0, 300))
  })
  await check('a file that is a page or a picture with scripts is not shown as one', async () => {
    for (const [contentType, data] of [['text/html', html], ['image/svg+xml', svg]]) {
      await fetch(`${server.base}/fhir/Binary/xss-file`, { method: 'PUT', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/fhir+json' }, body: JSON.stringify({ resourceType: 'Binary', id: 'xss-file', contentType, data }) })
      const answer = await page.goto(`${server.base}/fhir/Binary/xss-file`)
      holds(/^application\/(fhir\+)?(json|xml)/.test(answer.headers()['content-type']), answer.headers()['content-type'])
      holds(/sandbox/.test(answer.headers()['content-security-policy']), 'not in a sandbox')
      equal(answer.headers()['x-content-type-options'], 'nosniff')
      equal(await page.evaluate(() => window.__ran ?? []), [])
    }
  })
  await context.close()
}
