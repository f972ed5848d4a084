// SPDX-License-Identifier: Apache-2.0
// Shapes the compiler can't see: page files and what a route says about itself.
import 'vue-router'
import type { IconName } from './parts/icons'
import type { Role } from './client/types'

declare module 'vue-router' {
  interface RouteMeta {
    /** Message key of the page title. The title of a page about a person never holds the name. */
    title: string
    /** Message keys of the crumbs before the title. */
    crumbs?: string[]
    /** A place in the rail: icon, message key of the word, order from the top. */
    rail?: { icon: IconName; label: string; order: number }
    /** The rail entry that is lit while this page is open, by route name; itself when left out. */
    under?: string
    /** A page of a section: its tab in the strip above the page, when it has one; `of` names the tab that is lit for it. One rail entry stands for all. */
    section?: { name: string; of?: string; tab?: { label: string; order: number } }
    /** A call without which the page is nothing: a server that does not know it has no such page. */
    needs?: string
    /** Open without a session, and drawn without the frame. */
    open?: boolean
    /** Drawn without rail and bar (printing). */
    bare?: boolean
    roles?: Role[]
  }
}
