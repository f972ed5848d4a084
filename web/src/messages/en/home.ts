// SPDX-License-Identifier: Apache-2.0
// The first page.
export default {
  title: 'Home',
  heading: 'Hello {name}. Whom are you looking for?',
  hint: 'Press Ctrl K or / on any page to find a person.',
  recorded: 'Searches are recorded.',
  population: 'People',
  people_unit: '',
  see_people: 'See the list',
  resources: 'Resources',
  resource_unit: '',
  of_types: 'of {count} types',
  updated: 'Last stored',
  never: 'nothing stored yet',
  recent: 'Recently opened',
  recent_note: 'kept until you sign out',
  recent_empty: 'No record opened yet',
  recent_empty_text: 'Find a person; the records you open are listed here.',
  kinds: 'What is stored',
  kinds_note: 'by count',
}
