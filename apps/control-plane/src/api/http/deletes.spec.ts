import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, type Json, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
const pods = '/api/v1/namespaces/default/pods';
const maps = '/api/v1/namespaces/default/configmaps';
const merge = { 'content-type': 'application/merge-patch+json' };

beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
afterAll(() => api[Symbol.asyncDispose]());

const pod = (name: string, spec = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
});

const bind = (name: string, node: string) =>
  api.call('POST', `${pods}/${name}/binding`, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name },
    target: { kind: 'Node', name: node },
  });

async function running(name: string, spec = {}): Promise<string> {
  await api.call('POST', pods, pod(name, spec));
  expect((await bind(name, 'n1')).status).toBe(201);
  return `${pods}/${name}`;
}

const exists = async (path: string) => (await api.call('GET', path)).status === 200;

test('binds a pod once', async () => {
  const path = await running('bound');
  const { body } = await api.call('GET', path);
  expect([body.spec.nodeName, body.status.conditions[0]]).toMatchObject([
    'n1',
    { type: 'PodScheduled', status: 'True' },
  ]);
  const again = await bind('bound', 'n2');
  expect([again.status, again.body.message]).toEqual([
    409,
    'Operation cannot be fulfilled on pods "bound": pod bound is already assigned to node "n1"',
  ]);
});

test('a pod that never ran goes at once, answered with itself', async () => {
  await api.call('POST', pods, pod('unscheduled'));
  const { body } = await api.call('DELETE', `${pods}/unscheduled`);
  expect([body.kind, body.metadata.deletionGracePeriodSeconds]).toEqual(['Pod', 0]);
  expect(await exists(`${pods}/unscheduled`)).toBe(false);
});

test('a pod on a node gets its grace period, which can only become shorter', async () => {
  const path = await running('graceful', { terminationGracePeriodSeconds: 20 });
  const before = (await api.call('GET', path)).body;
  const marked = (await api.call('DELETE', path, { propagationPolicy: 'Background' })).body;
  expect(marked.metadata.deletionGracePeriodSeconds).toBe(20);
  expect(marked.metadata.generation).toBe(before.metadata.generation + 1);
  const left = Date.parse(marked.metadata.deletionTimestamp) - Date.now();
  expect(left).toBeGreaterThan(15_000);
  const longer = (await api.call('DELETE', path, { gracePeriodSeconds: 60 })).body;
  expect(longer.metadata).toEqual(marked.metadata);
  const shorter = (await api.call('DELETE', path, { gracePeriodSeconds: 5 })).body;
  expect(shorter.metadata.deletionGracePeriodSeconds).toBe(5);
  await api.call('DELETE', path, { gracePeriodSeconds: 0 });
  expect(await exists(path)).toBe(false);
});

test('eviction deletes as gracefully as a delete', async () => {
  const path = await running('evicted');
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted' } };
  const { status, body } = await api.call('POST', `${path}/eviction`, eviction);
  expect([status, body.status]).toEqual([201, 'Success']);
  expect((await api.call('GET', path)).body.metadata.deletionGracePeriodSeconds).toBe(30);
});

test('a finalizer holds the object until it is taken off', async () => {
  const held = { metadata: { name: 'held', finalizers: ['example.com/hold'] } };
  await api.call('POST', maps, held);
  const { body } = await api.call('DELETE', `${maps}/held`);
  expect([body.kind, typeof body.metadata.deletionTimestamp]).toEqual(['ConfigMap', 'string']);
  const added = { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } };
  const refused = await api.call('PATCH', `${maps}/held`, added, merge);
  expect([refused.status, refused.body.details.causes[0].field]).toEqual([
    422,
    'metadata.finalizers',
  ]);
  const freed = await api.call('PATCH', `${maps}/held`, { metadata: { finalizers: null } }, merge);
  expect(freed.status).toBe(200);
  expect(await exists(`${maps}/held`)).toBe(false);
});

test.each([
  ['Foreground', ['foregroundDeletion']],
  ['Orphan', ['orphan']],
])('%s leaves a finalizer for the garbage collector', async (propagationPolicy, finalizers) => {
  const name = propagationPolicy.toLowerCase();
  await api.call('POST', maps, { metadata: { name } });
  const { body } = await api.call('DELETE', `${maps}/${name}`, { propagationPolicy });
  expect(body.metadata.finalizers).toEqual(finalizers);
  const [background] = [
    (await api.call('DELETE', `${maps}/${name}?propagationPolicy=Background`)).body,
  ];
  expect(background.status).toBe('Success');
});

test('preconditions name the object and its version', async () => {
  const { uid, resourceVersion } = (await api.call('POST', maps, { metadata: { name: 'exact' } }))
    .body.metadata;
  const other = { preconditions: { uid: 'another' } };
  expect((await api.call('DELETE', `${maps}/exact`, other)).body.reason).toBe('Conflict');
  const stale = { preconditions: { uid, resourceVersion: '1' } };
  expect((await api.call('DELETE', `${maps}/exact`, stale)).status).toBe(409);
  const right = { preconditions: { uid, resourceVersion } };
  expect((await api.call('DELETE', `${maps}/exact`, right)).status).toBe(200);
});

test('a namespace waits for its finalizer, and takes nothing new meanwhile', async () => {
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'leaving' } });
  const { body } = await api.call('DELETE', '/api/v1/namespaces/leaving');
  expect([body.status.phase, body.spec.finalizers]).toEqual(['Terminating', ['kubernetes']]);
  const late = await api.call('POST', '/api/v1/namespaces/leaving/configmaps', {
    metadata: { name: 'x' },
  });
  expect([late.status, late.body.details.causes[0].reason]).toEqual([403, 'NamespaceTerminating']);
  const finalized = { ...body, spec: { finalizers: [] } };
  expect((await api.call('PUT', '/api/v1/namespaces/leaving/finalize', finalized)).status).toBe(
    200,
  );
  expect(await exists('/api/v1/namespaces/leaving')).toBe(false);
});

test('a collection is deleted as far as the selector goes', async () => {
  for (const name of ['s1', 's2'])
    await api.call('POST', maps, { metadata: { name, labels: { sel: 'y' } } });
  await api.call('POST', maps, { metadata: { name: 's3' } });
  const { body } = await api.call('DELETE', `${maps}?labelSelector=sel%3Dy`);
  expect(body.items.map((item: Json) => item.metadata.name)).toEqual(['s1', 's2']);
  expect([await exists(`${maps}/s1`), await exists(`${maps}/s3`)]).toEqual([false, true]);
});

test('a dry run deletes nothing', async () => {
  await api.call('POST', maps, { metadata: { name: 'dry' } });
  expect((await api.call('DELETE', `${maps}/dry?dryRun=All`)).body.status).toBe('Success');
  expect(await exists(`${maps}/dry`)).toBe(true);
});

test('the namespaces that every cluster has cannot be deleted', async () => {
  const { status, body } = await api.call('DELETE', '/api/v1/namespaces/default');
  expect([status, body.message]).toEqual([
    403,
    'namespaces "default" is forbidden: this namespace may not be deleted',
  ]);
});
