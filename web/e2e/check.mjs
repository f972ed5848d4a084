// SPDX-License-Identifier: Apache-2.0
// A small way to say what must hold: named tests that go on after a failure and are counted at the end.

export const outcome = { passed: 0, failed: 0, failures: [] }

/** Runs one promise; `on_failure` may keep a picture. */
export async function test(name, body, on_failure = async () => {}) {
  const started = Date.now()
  try {
    await body()
    outcome.passed += 1
    console.log(`ok    ${name} (${Date.now() - started} ms)`)
  } catch (problem) {
    outcome.failed += 1
    outcome.failures.push(name)
    console.log(`FAIL  ${name}\n      ${String(problem?.stack ?? problem).split('\n').slice(0, 6).join('\n      ')}`)
    await on_failure(name).catch(() => {})
  }
}

export function equal(actual, expected, what = '') {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`)
}

export function holds(value, what) {
  if (!value) throw new Error(what)
}
