// SPDX-License-Identifier: Apache-2.0
// The real server in a fresh folder on a free port, with accounts and the sample records.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const password = 'apricot-forest-in-spring'

const free_port = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })

/** Starts `binary`; `samples` is a folder of bundles ('': none), `more` further words of serve. Returns the address, one-time passwords and a way to stop. */
export async function start(binary, samples, more = []) {
  const folder = mkdtempSync(join(tmpdir(), 'xinglin-e2e-'))
  const data = join(folder, 'data')
  const secret = join(folder, 'password')
  writeFileSync(secret, `${password}\n`, { mode: 0o600 })
  const run = (...words) => execFileSync(binary, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 })
  run('user', 'add', '--data', data, '--name', 'doctor', '--display', '李医生', '--role', 'clinician', '--password-file', secret)
  run('user', 'add', '--data', data, '--name', 'admin', '--display', '管理员', '--role', 'administrator', '--password-file', secret)
  run('user', 'add', '--data', data, '--name', 'auditor', '--display', '审计员', '--role', 'auditor', '--password-file', secret)
  run('user', 'add', '--data', data, '--name', 'cardholder', '--display', '卡云霞', '--role', 'resident', '--patient', 'e2e-resident', '--password-file', secret)
  run('user', 'add', '--data', data, '--name', 'lookedat', '--display', '谢听澜', '--role', 'resident', '--patient', 'e2e-looked-at', '--password-file', secret)
  const one_time = JSON.parse(run('user', 'add', '--data', data, '--name', 'newcomer', '--role', 'clinician', '--json'))
  const token = run('client', 'add', '--data', data, '--name', 'outside').trim().split(/\s+/).at(-1)
  const files = samples && existsSync(samples) ? readdirSync(samples).filter((name) => /\.(json|ndjson)(\.gz)?$/.test(name)).map((name) => join(samples, name)) : []
  if (files.length) run('import', '--data', data, ...files)

  const port = await free_port()
  const child = spawn(binary, ['serve', '--data', data, '--port', String(port), '--demo', ...more], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.on('data', (text) => (log += text))
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the server did not get ready in 60 s\n${log.slice(-2000)}`)), 60_000)
    child.stdout.on('data', (text) => {
      if (String(text).includes('ready ')) {
        clearTimeout(late)
        resolve()
      }
    })
    child.on('exit', (code) => {
      clearTimeout(late)
      reject(new Error(`the server ended with ${code}\n${log.slice(-2000)}`))
    })
  })
  return {
    base: `http://127.0.0.1:${port}`,
    binary,
    samples,
    content: join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'content'),
    token,
    one_time: one_time.password ?? one_time.one_time_password,
    log: () => log,
    async stop() {
      child.removeAllListeners('exit')
      const gone = new Promise((resolve) => child.on('exit', resolve))
      child.kill('SIGTERM')
      const code = await gone
      rmSync(folder, { recursive: true, force: true })
      return code
    },
  }
}
