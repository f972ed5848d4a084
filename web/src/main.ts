// SPDX-License-Identifier: Apache-2.0
// Starts the pages: language first, so that nothing is drawn in the wrong one.
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './shell/app.vue'
import { i18n, remembered_language, speak } from './shell/language'
import { router } from './shell/router'
import './parts/tokens.css'
import './parts/components.css'

const app = createApp(App)
app.use(createPinia()).use(i18n).use(router)
void speak(remembered_language()).then(() => app.mount('#app'))
