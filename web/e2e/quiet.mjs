// SPDX-License-Identifier: Apache-2.0
// What was said in confidence during the run, and the log read through for it at the end: names, numbers, passwords, tokens, secrets.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { equal, holds, test } from './check.mjs'
import { password } from './server.mjs'

const confided = new Map()
const confide = (what, text) => typeof text === 'string' && text.length >= 6 && confided.set(text, what)
const names_of_secrets = /^(token|secret|ticket|csrf|access_token|refresh_token|id_token|code|password|recovery|client_secret|value)$/

function listen_to(what, value, key = '') {
  if (Array.isArray(value)) value.forEach((each) => listen_to(what, each, key))
  else if (value && typeof value === 'object') Object.entries(value).forEach(([name, each]) => listen_to(what, each, name))
  else if (names_of_secrets.test(key)) confide(`${what} ${key}`, value)
}

/** From now on every cookie, token and secret that this page is given is remembered. */
export function overhear(page) {
  page.on('response', async (response) => {
    const path = new URL(response.url()).pathname
    if (!/^\/(auth|oauth)\/|^\/api\/v1\/(card|accounts|clients)|\/reveal$/.test(path)) return
    try {
      for (const { name, value } of await response.headersArray()) if (name.toLowerCase() === 'set-cookie') confide('cookie', value.split(';')[0].split('=')[1])
      listen_to(path, await response.json())
    } catch { /* no JSON, or the page went on */ }
  })
}

/** Everything of the sample people that names them or where they live. */
function of_samples(folder) {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json.gz'))) {
    for (const { resource } of JSON.parse(gunzipSync(readFileSync(join(folder, file)))).entry) {
      if (resource.resourceType !== 'Patient') continue
      for (const name of resource.name ?? []) for (const given of name.given ?? []) confide('name', `${given} ${name.family}`), confide('name', given), confide('name', name.family)
      for (const each of resource.identifier ?? []) confide('number', each.value)
      for (const each of resource.telecom ?? []) confide('phone', each.value)
      for (const each of resource.address ?? []) (each.line ?? []).forEach((line) => confide('address', line))
    }
  }
}

/** The last scene: the whole log of the run, looked through for all of it. */
export async function quiet(server, log) {
  await test('the log of all this names nobody and holds no secret', async () => {
    of_samples(server.samples)
    for (const name of ['谢听澜', '卡云霞']) confided.set(name, 'name')
    confide('password', password)
    confide('token', server.token)
    confide('password', server.one_time)
    holds(log.includes('"event":"ready"'), 'there is a log')
    holds(confided.size > 100, `${confided.size} secrets`)
    const lines = log.split('\n')
    const told = [...confided].filter(([text]) => log.includes(text)).map(([text, what]) => `${what}: …${(lines.find((line) => line.includes(text)) ?? '').replace(text, '[…]').slice(0, 160)}`)
    equal(told, [], 'in the log')
  })
}
