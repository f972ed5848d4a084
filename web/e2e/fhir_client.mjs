// SPDX-License-Identifier: Apache-2.0
// A stock FHIR client library against our server: create, read, update, delete, search, paging, transactions.
import { Client } from 'fhir-kit-client'
import { equal, holds, test } from './check.mjs'

export async function fhir_client(server) {
  const client = new Client({ baseUrl: `${server.base}/fhir`, bearerToken: server.token })
  const status_of = async (made) => made.then(() => 200, (problem) => problem.response?.status ?? problem.status)
  let patient

  await test('fhir-kit-client reads the capability statement', async () => {
    const statement = await client.capabilityStatement()
    equal([statement.resourceType, statement.fhirVersion], ['CapabilityStatement', '4.0.1'])
  })
  await test('fhir-kit-client creates, reads, updates and reads a version', async () => {
    patient = await client.create({ resourceType: 'Patient', body: { resourceType: 'Patient', gender: 'female', birthDate: '1959-03-12', name: [{ family: '测', given: ['试客'] }], identifier: [{ system: 'urn:test', value: 'kit-1' }] } })
    holds(patient.id && patient.meta?.versionId, 'an id and a version')
    const read = await client.read({ resourceType: 'Patient', id: patient.id })
    equal(read.name, patient.name, 'name')
    const changed = await client.update({ resourceType: 'Patient', id: patient.id, body: { ...read, birthDate: '1959-03-13' } })
    equal(changed.birthDate, '1959-03-13', 'birth date')
    const first = await client.vread({ resourceType: 'Patient', id: patient.id, version: patient.meta.versionId })
    equal(first.birthDate, '1959-03-12', 'first version')
    const history = await client.resourceHistory({ resourceType: 'Patient', id: patient.id })
    equal(history.entry.length, 2, 'versions in the history')
  })
  await test('fhir-kit-client searches by GET and by POST', async () => {
    const found = await client.search({ resourceType: 'Patient', searchParams: { identifier: 'urn:test|kit-1' } })
    equal(found.entry.map((one) => one.resource.id), [patient.id], 'by identifier')
    const posted = await client.search({ resourceType: 'Patient', searchParams: { name: '测', gender: 'female' }, options: { postSearch: true } })
    equal(posted.entry.map((one) => one.resource.id), [patient.id], 'by POST')
  })
  await test('fhir-kit-client pages through a search without losing or repeating one', async () => {
    const bodies = Array.from({ length: 25 }, (_, i) => ({ resource: { resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'urn:test', code: 'paging' }] }, subject: { reference: `Patient/${patient.id}` }, valueInteger: i }, request: { method: 'POST', url: 'Observation' } }))
    const stored = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry: bodies } })
    equal(stored.entry.map((one) => one.response.status.slice(0, 3)).filter((one) => one !== '201'), [], 'all created')
    const seen = []
    let page = await client.search({ resourceType: 'Observation', searchParams: { code: 'urn:test|paging', _count: 7 } })
    while (page) {
      seen.push(...(page.entry ?? []).filter((one) => one.search?.mode !== 'outcome').map((one) => one.resource.valueInteger))
      page = page.link?.some((one) => one.relation === 'next') ? await client.nextPage({ bundle: page }) : undefined
    }
    equal(seen.sort((a, b) => a - b), Array.from({ length: 25 }, (_, i) => i), 'values')
  })
  await test('fhir-kit-client sends a transaction that links its entries, and a bad one stores nothing', async () => {
    const urn = 'urn:uuid:0f2b6a52-5f0a-4c53-9d5f-0b8d3c1c7a11'
    const entry = (status) => [
      { fullUrl: urn, resource: { resourceType: 'Patient', identifier: [{ system: 'urn:test', value: `kit-${status}` }] }, request: { method: 'POST', url: 'Patient' } },
      { resource: { resourceType: 'Observation', status, code: { text: 'x' }, subject: { reference: urn } }, request: { method: 'POST', url: 'Observation' } },
    ]
    const good = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry: entry('final') } })
    const [made, linked] = good.entry.map((one) => one.response.location)
    const [, type, id] = /(Observation)\/([^/]+)/.exec(linked)
    const observation = await client.read({ resourceType: type, id })
    holds(made.includes(observation.subject.reference), 'the reference points to the new patient')
    const refused = await status_of(client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry: entry('no-such-status') } }))
    holds(refused === 400 || refused === 422, `refused with ${refused}`)
    const none = await client.search({ resourceType: 'Patient', searchParams: { identifier: 'urn:test|kit-no-such-status' } })
    equal(none.total ?? none.entry?.length ?? 0, 0, 'nothing of it is stored')
  })
  await test('fhir-kit-client deletes, and the deleted is gone', async () => {
    const gone = await client.create({ resourceType: 'Basic', body: { resourceType: 'Basic', code: { text: 'soon gone' } } })
    await client.delete({ resourceType: 'Basic', id: gone.id })
    equal(await status_of(client.read({ resourceType: 'Basic', id: gone.id })), 410, 'status')
    equal(await status_of(client.read({ resourceType: 'Basic', id: 'never-was' })), 404, 'status of the unknown')
  })
}
