// SPDX-License-Identifier: Apache-2.0
// The pages and a FHIR client library against the real server.
// XINGLIN_BINARY=build/release/xinglin node web/e2e/run.mjs     pictures: build/screenshots; CHROMIUM names another browser; XINGLIN_SLOW=6 is a slow machine
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { outcome, test } from './check.mjs'
import { audit } from './audit.mjs'
import { accounts } from './accounts.mjs'
import { apps } from './apps.mjs'
import { card } from './card.mjs'
import { channels } from './channels.mjs'
import { consent } from './consent.mjs'
import { fhir_client } from './fhir_client.mjs'
import { hostile } from './hostile.mjs'
import { intake } from './intake.mjs'
import { pages } from './pages.mjs'
import { persons } from './persons.mjs'
import { quality } from './quality.mjs'
import { quiet } from './quiet.mjs'
import { registry } from './registry.mjs'
import { rooms } from './rooms.mjs'
import { start } from './server.mjs'
import { workbench } from './workbench.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')
const binary = resolve(process.env.XINGLIN_BINARY ?? join(root, 'build/release/xinglin'))
const pictures = resolve(process.env.XINGLIN_SCREENSHOTS ?? join(root, 'build/screenshots'))
const browser_at = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

async function run() {
  if (!existsSync(binary)) throw new Error(`no server at ${binary}; build it with ./xinglin build or set XINGLIN_BINARY`)
  const server = await start(binary, join(root, 'content/samples'))
  try {
    if (!browser_at) throw new Error('no browser found; install chromium or set CHROMIUM')
    const browser = await chromium.launch({ executablePath: browser_at, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
    try {
      await pages(browser, server, pictures)
      await workbench(browser, server, pictures)
      await rooms(browser, server, pictures)
      const { paths } = await (await fetch(`${server.base}/api/v1/openapi.json`, { headers: { Authorization: `Bearer ${server.token}` } })).json()
      if (paths['/api/v1/intake/sources']) await intake(browser, server, pictures)
      if (paths['/api/v1/channels']) await channels(browser, server, pictures)
      if (paths['/api/v1/quality']) await quality(browser, server, pictures)
      if (paths['/api/v1/audit']) await audit(browser, server, pictures)
      if (paths['/api/v1/accounts']) await accounts(browser, server, pictures)
      if (paths['/oauth/token']) await apps(browser, server, pictures)
      if (paths['/api/v1/card/scan']) await card(browser, server, pictures)
      if (paths['/api/v1/consent/mine']) await consent(browser, server, pictures)
      if (paths['/api/v1/persons/queue']) await persons(browser, server, pictures)
      if (paths['/api/v1/registry']) await registry(browser, server, pictures)
      await hostile(browser, server, pictures)
    } finally {
      await browser.close()
    }
    await fhir_client(server)
  } finally {
    await test('the server stops when asked', async () => {
      const code = await server.stop()
      if (code !== 0) throw new Error(`ended with ${code}\n${server.log().slice(-1500)}`)
    })
    await quiet(server, server.log())
  }
}

try {
  await run()
} catch (problem) {
  outcome.failed += 1
  console.log(`FAIL  the tests could not go on\n      ${String(problem?.stack ?? problem)}`)
}
console.log(`${outcome.passed} passed, ${outcome.failed} failed`)
process.exitCode = outcome.failed ? 1 : 0
