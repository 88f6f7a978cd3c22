import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
afterAll(() => api[Symbol.asyncDispose]());

const configMap = (name: string, data = { a: '1' }) => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name },
  data,
});
const maps = '/api/v1/namespaces/default/configmaps';

test('creates, reads, replaces and deletes an object', async () => {
  const created = await api.call('POST', maps, configMap('life'));
  expect(created.status).toBe(201);
  const { uid, resourceVersion, creationTimestamp, namespace } = created.body.metadata;
  expect([typeof uid, typeof resourceVersion, namespace]).toEqual(['string', 'string', 'default']);
  expect(creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const read = await api.call('GET', `${maps}/life`);
  expect(read.body).toEqual(created.body);
  const changed = await api.call('PUT', `${maps}/life`, { ...read.body, data: { a: '2' } });
  expect([changed.status, changed.body.data]).toEqual([200, { a: '2' }]);
  const stale = await api.call('PUT', `${maps}/life`, { ...read.body, data: { a: '3' } });
  expect([stale.status, stale.body.reason]).toEqual([409, 'Conflict']);
  expect(stale.body.message).toBe(
    'Operation cannot be fulfilled on configmaps "life": the object has been modified; ' +
      'please apply your changes to the latest version and try again',
  );
  const gone = await api.call('DELETE', `${maps}/life`);
  expect(gone.body).toMatchObject({
    kind: 'Status',
    status: 'Success',
    details: { name: 'life', kind: 'configmaps', uid },
  });
  expect((await api.call('GET', `${maps}/life`)).status).toBe(404);
});

test('refuses what exists, what has no namespace, and what is misplaced', async () => {
  await api.call('POST', maps, configMap('twice'));
  const again = await api.call('POST', maps, configMap('twice'));
  expect([again.status, again.body.message]).toEqual([409, 'configmaps "twice" already exists']);
  const nowhere = await api.call('POST', '/api/v1/namespaces/zz/configmaps', configMap('x'));
  expect([nowhere.status, nowhere.body.message]).toEqual([404, 'namespaces "zz" not found']);
  const other = { ...configMap('x'), metadata: { name: 'x', namespace: 'kube-system' } };
  expect((await api.call('POST', maps, other)).status).toBe(400);
});
