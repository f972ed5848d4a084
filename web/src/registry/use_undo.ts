// SPDX-License-Identifier: Apache-2.0
// After a change: the page is read again, and for ten seconds it can be taken back where one is.
import { useI18n } from 'vue-i18n'
import { undo } from '../client/registry'
import { toast } from '../shell/toasts'

export function use_undo(read_again: () => void, failed: (failure: unknown) => void): (done: { id: string; entries: number }) => void {
  const { t } = useI18n()
  return ({ id, entries }) => {
    read_again()
    toast(t('registry.done', { n: entries }), () => {
      undo(id).then((back) => {
        toast(t('registry.undone', { n: back.entries }))
        read_again()
      }, failed)
    })
  }
}
