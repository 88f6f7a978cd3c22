import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const typed = (type: string) => ({ 'content-type': `application/${type}+json` });

beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
afterAll(() => api[Symbol.asyncDispose]());

const deployment = (name: string) => ({
  metadata: { name, labels: { app: name } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          { name: 'web', image: 'web:1' },
          { name: 'log', image: 'log:1' },
        ],
      },
    },
  },
});

async function start(name: string): Promise<string> {
  const { status } = await api.call('POST', deployments, deployment(name));
  expect(status).toBe(201);
  return `${deployments}/${name}`;
}

test('a strategic patch merges containers by name and bumps the generation', async () => {
  const path = await start('strategic');
  const containers = [{ name: 'web', image: 'web:2' }];
  const patch = { spec: { template: { spec: { containers } } } };
  const { body } = await api.call('PATCH', path, patch, typed('strategic-merge-patch'));
  const images = body.spec.template.spec.containers.map((c: { image: string }) => c.image);
  expect([images, body.metadata.generation]).toEqual([['web:2', 'log:1'], 2]);
});

test('a merge patch deletes with null and leaves the generation when only metadata changes', async () => {
  const path = await start('merge');
  const patch = { metadata: { labels: { app: null, tier: 'front' } } };
  const { body } = await api.call('PATCH', path, patch, typed('merge-patch'));
  expect([body.metadata.labels, body.metadata.generation]).toEqual([{ tier: 'front' }, 1]);
});

test('a JSON patch is applied whole or not at all', async () => {
  const path = await start('jsonpatch');
  const good = [{ op: 'replace', path: '/spec/replicas', value: 3 }];
  expect((await api.call('PATCH', path, good, typed('json-patch'))).body.spec.replicas).toBe(3);
  const failing = [...good, { op: 'test', path: '/spec/paused', value: true }];
  failing[0] = { op: 'replace', path: '/spec/replicas', value: 9 };
  const refused = await api.call('PATCH', path, failing, typed('json-patch'));
  expect([refused.status, refused.body.reason]).toEqual([422, 'Invalid']);
  expect((await api.call('GET', path)).body.spec.replicas).toBe(3);
});

test('a patch that changes nothing writes nothing', async () => {
  const path = await start('same');
  const before = (await api.call('GET', path)).body.metadata.resourceVersion;
  const { body } = await api.call('PATCH', path, { spec: { replicas: 1 } }, typed('merge-patch'));
  expect(body.metadata.resourceVersion).toBe(before);
});

test('a patch that names a version is refused once that is stale', async () => {
  const path = await start('versioned');
  const { resourceVersion } = (await api.call('GET', path)).body.metadata;
  const patch = { metadata: { resourceVersion }, spec: { replicas: 2 } };
  expect((await api.call('PATCH', path, patch, typed('merge-patch'))).status).toBe(200);
  const again = { metadata: { resourceVersion }, spec: { replicas: 4 } };
  const stale = await api.call('PATCH', path, again, typed('merge-patch'));
  expect([stale.status, stale.body.reason]).toEqual([409, 'Conflict']);
});

test('many patches at once all arrive', async () => {
  const path = await start('busy');
  const patches = Array.from({ length: 8 }, (_, i) =>
    api.call('PATCH', path, { metadata: { labels: { [`l${i}`]: 'x' } } }, typed('merge-patch')),
  );
  expect((await Promise.all(patches)).map(({ status }) => status)).toEqual(Array(8).fill(200));
  const { labels } = (await api.call('GET', path)).body.metadata;
  expect(Object.keys(labels)).toHaveLength(9);
});

test('status and spec are written apart', async () => {
  const path = await start('apart');
  const patch = { spec: { replicas: 7 }, status: { replicas: 5, readyReplicas: 5 } };
  const { body } = await api.call('PATCH', `${path}/status`, patch, typed('merge-patch'));
  expect([body.spec.replicas, body.status.readyReplicas, body.metadata.generation]).toEqual([
    1, 5, 1,
  ]);
  const whole = { ...body, spec: { ...body.spec, replicas: 2 }, status: { replicas: 0 } };
  const replaced = (await api.call('PUT', path, whole)).body;
  expect([replaced.spec.replicas, replaced.status.readyReplicas]).toEqual([2, 5]);
});

test('scale reads and writes replicas alone', async () => {
  const path = await start('scaled');
  const scale = (await api.call('GET', `${path}/scale`)).body;
  expect(scale).toMatchObject({
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    spec: { replicas: 1 },
    status: { replicas: 0, selector: 'app=scaled' },
  });
  const patch = { spec: { replicas: 4 } };
  const patched = await api.call('PATCH', `${path}/scale`, patch, typed('merge-patch'));
  expect(patched.body.spec.replicas).toBe(4);
  expect((await api.call('PUT', `${path}/scale`, scale)).body.reason).toBe('Conflict');
  const bad = await api.call(
    'PATCH',
    `${path}/scale`,
    { spec: { replicas: -1 } },
    typed('merge-patch'),
  );
  expect([bad.status, bad.body.details.causes[0].field]).toEqual([422, 'spec.replicas']);
  expect((await api.call('GET', path)).body.spec.replicas).toBe(4);
});

test.each([
  ['application/json', 415],
  ['text/plain', 415],
])('refuses a patch sent as %s', async (type, status) => {
  const path = await start(`type${type.length}`);
  const answer = await api.call('PATCH', path, { spec: { replicas: 2 } }, { 'content-type': type });
  expect([answer.status, answer.body.kind, answer.body.reason]).toEqual([
    status,
    'Status',
    'UnsupportedMediaType',
  ]);
});
