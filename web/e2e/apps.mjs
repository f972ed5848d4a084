// SPDX-License-Identifier: Apache-2.0
// Apps and systems of others, by stock clients: discovery, a person asked in the browser, tokens, who somebody is, a record read within its scope, refresh,
// theft noticed; and a system that signs for its token.
import { createServer } from 'node:http'
import { Client } from 'fhir-kit-client'
import { exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'
import { phone, Visit, wide } from './visit.mjs'

const insecure = { execute: [oidc.allowInsecureRequests] }

/** An app's own address: remembers what the browser brought. */
async function landing() {
  const came = []
  const server = createServer((request, response) => {
    if (request.url.startsWith('/cb')) came.push(request.url)
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<title>app</title><div id="app"><p>arrived</p></div>')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { at: `http://127.0.0.1:${server.address().port}/cb`, last: () => new URL(came.at(-1), `http://127.0.0.1:${server.address().port}`), close: () => server.close() }
}

async function administrator(base) {
  const answer = await fetch(`${base}/auth/login`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name: 'admin', password }) })
  const { csrf } = await answer.json()
  const headers = { Cookie: answer.headers.get('set-cookie').split(';')[0], 'X-Xinglin-CSRF': csrf, 'Content-Type': 'application/json' }
  return (body) => fetch(`${base}/api/v1/clients`, { method: 'POST', headers, body: JSON.stringify(body) })
}

const error_of = async (made) => made.then(() => 'none', (problem) => problem.error ?? problem.cause?.error ?? String(problem))
const status_of = async (made) => made.then(() => 200, (problem) => problem.response?.status ?? problem.status)

async function records(server) {
  const put = async (resource) => {
    const answer = await fetch(`${server.base}/fhir/${resource.resourceType}/${resource.id}`, { method: 'PUT', headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/fhir+json' }, body: JSON.stringify(resource) })
    holds(answer.ok, `${resource.id}: ${answer.status}`)
  }
  for (const [id, name] of [['e2e-app-one', '应用甲'], ['e2e-app-two', '应用乙']]) {
    await put({ resourceType: 'Patient', id, name: [{ text: name }], gender: 'female', birthDate: '1979-05-06' })
    await put({ resourceType: 'Observation', id: `${id}-weight`, status: 'final', code: { coding: [{ system: 'urn:test', code: 'app-weight' }] }, subject: { reference: `Patient/${id}` }, valueInteger: 60 })
  }
}

/** The browser's part: from the app's request to the person's answer. Returns the address the app was come back to with. */
async function ask(visit, app, config, scope, { who = '', signs_in = false, picture = '', answer = '同意授权' } = {}) {
  const verifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState(), nonce = oidc.randomNonce()
  const base = config.serverMetadata().issuer
  const address = oidc.buildAuthorizationUrl(config, { redirect_uri: app.at, scope, state, nonce, aud: `${base}/fhir`, code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' })
  await visit.page.goto(address.href)
  if (signs_in) {
    await visit.page.fill('input[name=name]', 'doctor')
    await visit.page.fill('input[name=password]', password)
    await visit.page.keyboard.press('Enter')
  }
  await visit.sees('请求授权')
  if (who) {
    await visit.page.getByRole('searchbox').fill(who)
    await visit.page.getByRole('button', { name: '查找' }).click()
    await visit.page.getByRole('radio').first().check()
  }
  if (picture) await visit.looks_right(picture)
  await visit.page.getByRole('button', { name: answer }).click()
  await visit.page.waitForURL(`${app.at}**`)
  return { address: app.last(), checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce } }
}

export async function apps(browser, server, pictures) {
  const app = await landing()
  const context = await browser.newContext({ viewport: wide, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  const visit = new Visit(await context.newPage(), server.base, pictures)
  const check = (name, body) => test(name, body, (failed) => visit.picture(`failed-${failed.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`))
  const as = (token) => new Client({ baseUrl: `${server.base}/fhir`, bearerToken: token })
  const keys = await generateKeyPair('ES384', { extractable: true })
  let config, first, tokens
  const scope = 'openid fhirUser profile launch/patient offline_access patient/*.rs'

  await check('apps and systems are registered by an administrator, not by others', async () => {
    await records(server)
    const register = await administrator(server.base)
    const chart = await register({ name: 'e2e-chart', public: true, grants: ['authorization_code', 'refresh_token'], redirects: [app.at], scope: `${scope} user/*.rs` })
    equal(chart.status, 201, await chart.text())
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'e2e-1' }
    equal((await register({ name: 'e2e-backend', grants: ['client_credentials'], jwks: { keys: [jwk] }, scope: 'system/Patient.rs' })).status, 201)
    equal((await register({ name: 'e2e-evil', public: true, grants: ['authorization_code'], redirects: ['javascript:alert(1)'], scope: 'openid' })).status, 422)
    const by_system = await fetch(`${server.base}/api/v1/clients`, { headers: { Authorization: `Bearer ${server.token}` } })
    equal(by_system.status, 403, 'a system does not see who may ask')
  })
  await check('openid-client finds the house, the person lets the app in, and the app knows who it was', async () => {
    config = await oidc.discovery(new URL(server.base), 'e2e-chart', undefined, oidc.None(), insecure)
    first = await ask(visit, app, config, scope, { who: '应用甲', signs_in: true, picture: 'app-authorize' })
    tokens = await oidc.authorizationCodeGrant(config, first.address, first.checks)
    equal(tokens.patient, 'e2e-app-one', 'in context')
    const who = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
    equal(who.preferred_username, 'doctor')
  })
  await check('with its token a FHIR client reads the one patient, and nobody else by any way', async () => {
    const fhir = as(tokens.access_token)
    equal((await fhir.read({ resourceType: 'Patient', id: 'e2e-app-one' })).id, 'e2e-app-one')
    equal(await status_of(fhir.read({ resourceType: 'Patient', id: 'e2e-app-two' })), 404, 'another patient')
    equal(await status_of(fhir.read({ resourceType: 'Observation', id: 'e2e-app-two-weight' })), 404, 'of another patient')
    equal(await status_of(fhir.history({ resourceType: 'Observation', id: 'e2e-app-two-weight' })), 404, 'its history')
    const found = await fhir.search({ resourceType: 'Observation', searchParams: { code: 'urn:test|app-weight' } })
    equal([found.total, found.entry.map((one) => one.resource.id)], [1, ['e2e-app-one-weight']], 'found, and counted')
    const got = (way) => fetch(server.base + way, { headers: { Authorization: `Bearer ${tokens.access_token}` } })
    for (const way of ['/fhir/Observation?subject:Patient.name=x', '/fhir/Observation?_include=Observation:subject', '/fhir/Patient?_has:Observation:patient:code=app-weight', '/fhir/_history', '/fhir?_type=Patient', '/api/v1/people']) {
      const answer = await got(way)
      equal([answer.status, (await answer.text()).includes('e2e-app-two')], [200, false], way)
    }
    equal((await got('/fhir/Patient/e2e-app-two/$everything')).status, 404, 'everything of another patient')
    for (const way of ['/fhir/Patient/$export', '/api/v1/system', '/api/v1/quality', '/auth/me', '/oauth/apps']) equal((await got(way)).status, 403, way)
    equal(await status_of(fhir.create({ resourceType: 'Basic', body: { resourceType: 'Basic', code: { text: 'x' } } })), 403, 'writing')
  })
  await check('a refresh token is exchanged; used again it ends everything', async () => {
    const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    equal(await status_of(as(fresh.access_token).read({ resourceType: 'Patient', id: 'e2e-app-one' })), 200)
    equal(await error_of(oidc.refreshTokenGrant(config, tokens.refresh_token)), 'invalid_grant', 'the old one')
    equal(await error_of(oidc.refreshTokenGrant(config, fresh.refresh_token)), 'invalid_grant', 'and the new one with it')
    equal(await status_of(as(fresh.access_token).read({ resourceType: 'Patient', id: 'e2e-app-one' })), 401)
  })
  await check('a code is taken once, and by the verifier it was asked with', async () => {
    const again = await ask(visit, app, config, 'openid user/*.rs')
    const other = { ...again.checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() }
    equal(await error_of(oidc.authorizationCodeGrant(config, again.address, other)), 'invalid_grant', 'with another verifier')
    equal(await error_of(oidc.authorizationCodeGrant(config, again.address, again.checks)), 'invalid_grant', 'after a wrong try')
    const second = await ask(visit, app, config, 'openid user/*.rs')
    const given = await oidc.authorizationCodeGrant(config, second.address, second.checks)
    equal(await status_of(as(given.access_token).read({ resourceType: 'Patient', id: 'e2e-app-two' })), 200, 'what the person may')
    equal(await error_of(oidc.authorizationCodeGrant(config, second.address, second.checks)), 'invalid_grant', 'replayed')
    equal(await status_of(as(given.access_token).read({ resourceType: 'Patient', id: 'e2e-app-two' })), 401, 'what it gave is taken back')
  })
  await check('a person says no, and later takes back what was given', async () => {
    const declined = await ask(visit, app, config, 'openid', { answer: '暂不授权' })
    equal(await error_of(oidc.authorizationCodeGrant(config, declined.address, declined.checks)), 'access_denied')
    await visit.page.setViewportSize(phone)
    const let_in = await ask(visit, app, config, scope, { who: '应用甲', picture: 'app-authorize-phone' })
    const given = await oidc.authorizationCodeGrant(config, let_in.address, let_in.checks)
    await visit.page.setViewportSize(wide)
    await visit.open('/apps')
    await visit.sees('已授权的应用', 'e2e-chart')
    await visit.looks_right('my-apps')
    await visit.page.getByRole('button', { name: '收回授权' }).first().click()
    await visit.page.getByRole('dialog').getByRole('button', { name: '收回授权' }).click()
    await visit.sees('已收回')
    equal(await status_of(as(given.access_token).read({ resourceType: 'Patient', id: 'e2e-app-one' })), 401)
  })
  await check('the page that asks cannot be framed, and an address that is not registered is not gone to', async () => {
    const asked = (to) => fetch(`${server.base}/oauth/authorize?response_type=code&client_id=e2e-chart&redirect_uri=${encodeURIComponent(to)}&scope=openid`, { redirect: 'manual' })
    equal((await asked('https://evil.example/cb')).status, 400)
    const sent = await asked(app.at)
    holds(sent.status === 303 && sent.headers.get('location').startsWith(`${app.at}?error=invalid_request`), 'without PKCE it is sent away, with the reason')
    const page = await fetch(`${server.base}/apps/authorize`)
    holds(page.headers.get('content-security-policy').includes("frame-ancestors 'none'"), 'not in a frame')
    const forged = await fetch(`${server.base}/oauth/approve`, { method: 'POST', headers: { 'Content-Type': 'application/json', Cookie: (await context.cookies()).map((one) => `${one.name}=${one.value}`).join('; ') }, body: '{"request":"","decision":"allow"}' })
    equal(forged.status, 403, 'without the csrf value')
  })
  await check('a system signs with ES384 and gets a token of its own', async () => {
    const backend = await oidc.discovery(new URL(server.base), 'e2e-backend', undefined, oidc.PrivateKeyJwt({ key: keys.privateKey, kid: 'e2e-1' }), insecure)
    const given = await oidc.clientCredentialsGrant(backend, { scope: 'system/Patient.rs system/Observation.rs' })
    equal(given.scope, 'system/Patient.rs')
    equal(await status_of(as(given.access_token).read({ resourceType: 'Patient', id: 'e2e-app-one' })), 200)
    equal(await status_of(as(given.access_token).read({ resourceType: 'Observation', id: 'e2e-app-one-weight' })), 403)
    await oidc.tokenRevocation(backend, given.access_token)
    equal(await status_of(as(given.access_token).read({ resourceType: 'Patient', id: 'e2e-app-one' })), 401, 'taken back')
  })
  equal(visit.problems, [], 'on the pages')
  await context.close()
  app.close()
}
