import { NodeKind, PodKind, type Pod } from '@gantry/api';
import type { ApiObject, Kind } from '@gantry/api-machinery';
import { silentLogger, systemClock } from '@gantry/base';
import { ObjectStore } from '@gantry/controller';
import { EmbeddedStore } from '@gantry/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';
import { WatchCaches } from '../watch/watch-caches.js';
import { ApiBindings } from './api-bindings.js';

let api: ApiFixture;
const pods = '/api/v1/namespaces/default/pods';
const roomFor = 60;

beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  const allocatable = { cpu: String(roomFor), memory: '64Gi', pods: '1000' };
  await api.call('POST', '/api/v1/nodes', { metadata: { name: 'n1' } });
  const { status } = await api.call('PUT', '/api/v1/nodes/n1/status', {
    metadata: { name: 'n1' },
    status: { allocatable, capacity: allocatable },
  });
  expect(status).toBe(200);
});
afterAll(() => api[Symbol.asyncDispose]());

const pod = (name: string) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i:1', resources: { requests: { cpu: '1' } } }] },
});

const bind = async (name: string, uid?: string) => {
  const body = { metadata: { name, uid }, target: { kind: 'Node', name: 'n1' } };
  return (await api.call('POST', `${pods}/${name}/binding`, body)).status;
};

test('bindings that come at once are made up to what fits, and each is told its own outcome', async () => {
  const names = Array.from({ length: roomFor + 20 }, (_, i) => `pod-${i}`);
  await Promise.all(names.map((name) => api.call('POST', pods, pod(name))));
  const odd = [bind('pod-0', 'another'), bind('nobody')];
  const statuses = await Promise.all([...names, 'pod-1'].map((name) => bind(name)));
  expect(await Promise.all(odd)).toEqual([409, 404]);
  expect(statuses.filter((status) => status === 201)).toHaveLength(roomFor);
  expect(statuses.filter((status) => status === 409)).toHaveLength(21);
  const { items } = (await api.call('GET', pods)).body;
  const bound = items.filter(
    (each: { spec: { nodeName?: string } }) => each.spec.nodeName === 'n1',
  );
  expect(bound).toHaveLength(roomFor);
});

/** Somebody changes one pod each time that it has been read, before anybody can write it. */
class Restless extends ObjectStore {
  changes = 0;

  override async get<T extends ApiObject>(kind: Kind<T>, namespace?: string, name = '') {
    const found = await super.get(kind, namespace, name);
    if (!found || name !== 'restless') return found;
    const labels = { change: String((this.changes += 1)) };
    await this.update(kind, { ...found, metadata: { ...found.metadata, labels } });
    return found;
  }
}

async function startRestless() {
  const stop = new AbortController();
  const store = new EmbeddedStore({ progressIntervalMs: 200 });
  const objects = new Restless(store);
  const caches = new WatchCaches({
    objects,
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
  });
  const allocatable = { cpu: '8', memory: '64Gi', pods: '100' };
  await objects.create(NodeKind, {
    metadata: { name: 'n1' },
    spec: {},
    status: { allocatable },
  });
  const names = ['quiet-0', 'restless', 'quiet-1', 'quiet-2'];
  for (const name of names) {
    const { spec } = pod(name);
    await objects.create(PodKind, { metadata: { name, namespace: 'default' }, spec });
  }
  const close = async () => {
    stop.abort();
    await store.close();
  };
  return { objects, names, bindings: new ApiBindings(objects, caches, systemClock), close };
}

test('a pod that changes all the time fails alone, and holds up none of those that come with it', async () => {
  const { objects, names, bindings, close } = await startRestless();
  const order: string[] = [];
  const made = names.map((name) =>
    bindings
      .bind('default', name, 'n1', {})
      .then(() => 'bound')
      .catch((error: Error) => error.message)
      .finally(() => order.push(name)),
  );
  const outcomes = await Promise.all(made);
  expect(outcomes.filter((outcome) => outcome === 'bound')).toHaveLength(3);
  expect(outcomes[1]).toContain('restless');
  expect(order.at(-1)).toBe('restless');
  // Twenty attempts, and the look by which it was set apart.
  expect(objects.changes).toBeLessThanOrEqual(21);
  const bound = await objects.get<Pod>(PodKind, 'default', 'quiet-2');
  expect(bound?.spec.nodeName).toBe('n1');
  await close();
});

test('what one transaction cannot take is bound one by one', async () => {
  const large = { 'example.com/notes': 'x'.repeat(200_000) };
  const names = Array.from({ length: 10 }, (_, i) => `large-${i}`);
  const annotated = (name: string) => ({
    ...pod(name),
    metadata: { name, annotations: large },
    spec: { containers: [{ name: 'c', image: 'i:1' }] },
  });
  await Promise.all(names.map((name) => api.call('POST', pods, annotated(name))));
  expect(await Promise.all(names.map((name) => bind(name)))).toEqual(names.map(() => 201));
});
