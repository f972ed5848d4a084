// SPDX-License-Identifier: Apache-2.0
// How the state of a case is drawn.
import type { CaseState } from '../client/audit'
import type { Status } from '../parts/status'

const drawn: Record<CaseState, Status> = { open: 'warning', asked: 'notice', answered: 'info', closed: 'quiet' }
export const case_status = (state: CaseState): Status => drawn[state]
