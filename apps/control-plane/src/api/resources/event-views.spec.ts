import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';
import { openWatch } from '../testing/watch-reader.js';

let api: ApiFixture;
const core = '/api/v1/namespaces/default/events';
const reported = '/apis/events.k8s.io/v1/namespaces/default/events';
beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
afterAll(() => api[Symbol.asyncDispose]());

/** As client-go's recorder sends it: Go writes empty structs and times that are not set too. */
const scheduled = (name: string) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name, namespace: 'default', creationTimestamp: null },
  eventTime: '2026-01-02T03:04:05.678901Z',
  reportingController: 'default-scheduler',
  reportingInstance: 'default-scheduler-host',
  action: 'Binding',
  reason: 'Scheduled',
  regarding: { kind: 'Pod', namespace: 'default', name: 'web', uid: 'u', apiVersion: 'v1' },
  note: 'Successfully assigned default/web to node-1',
  type: 'Normal',
  deprecatedSource: {},
  deprecatedFirstTimestamp: null,
  deprecatedLastTimestamp: null,
});

test('what is created by one name is read by both', async () => {
  const { status, body } = await api.call('POST', reported, scheduled('one'));
  expect([status, body.apiVersion, body.note]).toEqual([
    201,
    'events.k8s.io/v1',
    scheduled('').note,
  ]);
  const old = (await api.call('GET', `${core}/one`)).body;
  expect(old).toMatchObject({
    apiVersion: 'v1',
    involvedObject: { name: 'web' },
    message: scheduled('').note,
    reportingComponent: 'default-scheduler',
  });
  expect([old.note, old.regarding, body.message, body.involvedObject]).toEqual(Array(4));
  const event = { involvedObject: { namespace: 'default', name: 'x' }, message: 'said', count: 3 };
  await api.call('POST', core, { metadata: { name: 'two' }, ...event, source: { component: 'c' } });
  expect((await api.call('GET', `${reported}/two`)).body).toMatchObject({
    regarding: { name: 'x' },
    note: 'said',
    deprecatedCount: 3,
    deprecatedSource: { component: 'c' },
  });
});

test('a recorder counts repetitions by a strategic merge patch', async () => {
  await api.call('POST', reported, scheduled('series'));
  const series = { count: 2, lastObservedTime: '2026-01-02T03:05:05.000000Z' };
  const type = { 'content-type': 'application/strategic-merge-patch+json' };
  const { status, body } = await api.call('PATCH', `${reported}/series`, { series }, type);
  expect([status, body.series, body.note]).toEqual([200, series, scheduled('').note]);
  expect((await api.call('GET', `${core}/series`)).body.series).toEqual(series);
  const owners = body.metadata.managedFields as { apiVersion: string; fieldsV1: object }[];
  expect(owners.every(({ apiVersion }) => apiVersion === 'events.k8s.io/v1')).toBe(true);
  expect(owners.flatMap(({ fieldsV1 }) => Object.keys(fieldsV1))).toContain('f:note');
});

test('lists, tables, selectors and watches speak the newer words', async () => {
  const { body: page } = await api.call('GET', `${reported}?fieldSelector=regarding.name%3Dweb`);
  expect([page.kind, page.apiVersion]).toEqual(['EventList', 'events.k8s.io/v1']);
  expect(page.items.map((event: { note: string }) => event.note)).toContain(scheduled('').note);
  const by = `${reported}?fieldSelector=reportingController%3Dnobody`;
  expect((await api.call('GET', by)).body.items).toEqual([]);
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  const table = (await api.call('GET', reported, undefined, { accept })).body;
  expect(table.rows[0].cells).toContain('pod/web');
  const from = page.metadata.resourceVersion;
  await using watch = await openWatch(api, `${reported}?watch=1&resourceVersion=${from}`);
  await api.call('POST', reported, scheduled('watched'));
  expect(await watch.next()).toMatchObject({
    type: 'ADDED',
    object: { apiVersion: 'events.k8s.io/v1', note: scheduled('').note },
  });
  expect((await api.call('DELETE', `${reported}/watched`)).status).toBe(200);
  expect((await watch.next()).object.regarding.name).toBe('web');
});

test('server-side apply owns the fields by their newer names', async () => {
  const apply = { 'content-type': 'application/apply-patch+yaml' };
  const path = `${reported}/applied?fieldManager=me`;
  const first = await api.call('PATCH', path, scheduled('applied'), apply);
  expect(first.status).toBe(201);
  const next = { ...scheduled('applied'), note: 'other' };
  const second = await api.call('PATCH', path, next, apply);
  expect([second.status, second.body.note]).toEqual([200, 'other']);
  const thief = await api.call('PATCH', `${path}2`, { ...next, note: 'third' }, apply);
  expect([thief.status, thief.body.message]).toEqual([409, expect.stringContaining('.note')]);
});

test.each([
  [{ eventTime: null }, 'eventTime'],
  [{ action: '' }, 'action'],
  [{ note: 'x'.repeat(1_025) }, 'note'],
  [{ type: 'Odd' }, 'type'],
  [{ reportingController: undefined }, 'reportingController'],
  [{ deprecatedCount: 1 }, 'deprecatedCount'],
])('refuses %o', async (change, field) => {
  const { status, body } = await api.call('POST', reported, { ...scheduled('bad'), ...change });
  expect([status, body.details.causes.map((cause: { field: string }) => cause.field)]).toEqual([
    422,
    [field],
  ]);
});

test('discovery and OpenAPI name the group', async () => {
  const { resources } = (await api.call('GET', '/apis/events.k8s.io/v1')).body;
  expect(resources[0]).toMatchObject({ name: 'events', kind: 'Event', namespaced: true });
  const { paths } = (await api.call('GET', '/openapi/v3')).body;
  expect(Object.keys(paths)).toContain('apis/events.k8s.io/v1');
});
