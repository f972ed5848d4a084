// SPDX-License-Identifier: Apache-2.0
// Who is signed in, kept for all pages.
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { CallError, use_csrf } from '../client/call'
import { second_step, sign_in, sign_out, who_am_i } from '../client/session'
import type { Session, User } from '../client/types'

export const use_session = defineStore('session', () => {
  const user = ref<User | null>(null)
  const asked = ref(false)
  /** Why the server could not say who is signed in; null when it could. */
  const trouble = ref<unknown>(null)

  /** Asks the server once whether a session is open; a server that can't be reached is not a closed session. */
  async function ask(): Promise<void> {
    if (asked.value) return
    try {
      user.value = (await who_am_i()).user
      asked.value = true
      trouble.value = null
    } catch (problem) {
      user.value = null
      const closed = problem instanceof CallError && problem.kind === 'login'
      asked.value = closed
      trouble.value = closed ? null : problem
    }
  }

  /** Who is in now; or the ticket that a code must follow. */
  async function enter(name: string, password: string): Promise<User | string> {
    const answer = await sign_in(name, password)
    return 'ticket' in answer ? answer.ticket : took(answer)
  }

  async function enter_code(ticket: string, code: string): Promise<User> {
    return took(await second_step(ticket, code))
  }

  function took(session: Session): User {
    user.value = session.user
    asked.value = true
    trouble.value = null
    return session.user
  }

  async function leave(): Promise<void> {
    try {
      await sign_out()
    } finally {
      forget()
    }
  }

  /** The session has ended on the server. */
  function forget(): void {
    user.value = null
    asked.value = true
    use_csrf('')
  }

  return { user, asked, trouble, ask, enter, enter_code, took, leave, forget }
})
