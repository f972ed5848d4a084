// SPDX-License-Identifier: Apache-2.0
// A draft in a dialog: begun anew when it opens, complained of before it is sent, saved once at a time.
import { computed, ref, watch, type ComputedRef, type Ref } from 'vue'
import { CallError } from '../client/call'

export interface DraftForm<Draft, Complaint> {
  draft: Ref<Draft>
  /** Saving was tried: from then on what is wrong is marked. */
  tried: Ref<boolean>
  busy: Ref<boolean>
  problem: Ref<unknown>
  complaint: ComputedRef<Complaint | null>
  /** The server's refusal of a field, to be said beside the form. */
  refused: ComputedRef<CallError | null>
  save: () => Promise<void>
}

/** `send` stores the draft and tells of it; the dialog is closed after it. */
export function use_draft<Draft, Complaint>(open: Ref<boolean>, begin: () => Draft, complain: (draft: Draft) => Complaint | null, send: (draft: Draft) => Promise<void>): DraftForm<Draft, Complaint> {
  const draft = ref(begin()) as Ref<Draft>
  const tried = ref(false)
  const busy = ref(false)
  const problem = ref<unknown>(null)
  watch(open, (now) => {
    if (!now) return
    draft.value = begin()
    tried.value = false
    problem.value = null
  })
  const complaint = computed(() => complain(draft.value))
  const refused = computed(() => (problem.value instanceof CallError && (problem.value.kind === 'invalid' || problem.value.kind === 'conflict') ? problem.value : null))
  async function save(): Promise<void> {
    tried.value = true
    if (complaint.value || busy.value) return
    busy.value = true
    problem.value = null
    try {
      await send(draft.value)
      open.value = false
    } catch (failure) {
      problem.value = failure
    } finally {
      busy.value = false
    }
  }
  return { draft, tried, busy, problem, complaint, refused, save }
}
