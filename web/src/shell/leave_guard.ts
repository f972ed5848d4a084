// SPDX-License-Identifier: Apache-2.0
// What was typed and not saved isn't lost by a click: the way out asks first.
import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'
import { onBeforeRouteLeave, onBeforeRouteUpdate, useRouter, type RouteLocationNormalized } from 'vue-router'

export interface LeaveGuard {
  /** The question is open. */
  asking: Ref<boolean>
  leave: () => void
}

/** `dirty`: something would be lost. `same`: an address that shows the same text, so nothing is. */
export function use_leave_guard(dirty: () => boolean, same: (to: RouteLocationNormalized) => boolean = () => false): LeaveGuard {
  const router = useRouter()
  const asking = ref(false)
  let wanted: RouteLocationNormalized | null = null
  let granted = false
  const ask = (to: RouteLocationNormalized): boolean => {
    if (granted || !dirty() || same(to) || to.name === 'login') return true
    wanted = to
    asking.value = true
    return false
  }
  onBeforeRouteLeave(ask)
  onBeforeRouteUpdate(ask)
  const on_unload = (event: BeforeUnloadEvent): void => {
    if (dirty()) event.preventDefault()
  }
  onMounted(() => window.addEventListener('beforeunload', on_unload))
  onBeforeUnmount(() => window.removeEventListener('beforeunload', on_unload))
  return {
    asking,
    leave: () => {
      asking.value = false
      granted = true
      if (wanted) void router.push(wanted.fullPath).finally(() => (granted = false))
    },
  }
}
