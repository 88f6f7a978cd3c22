import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConfigMap, ConfigMapKind, DeploymentKind, type Deployment } from '@gantry/api';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';
import type { Resources } from './resources.js';

let api: ApiFixture;
let resources: Resources;
beforeAll(async () => {
  api = await startApi();
  resources = api.api.resources;
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
afterAll(() => api[Symbol.asyncDispose]());

const map = (name: string): ConfigMap => ({ metadata: { name }, data: { a: '1' } });

function deployment(name: string): Deployment {
  const labels = { app: name };
  const containers = [{ name: 'c', image: 'x' }];
  return {
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}

test('leaves the objects that it was given as they were', async () => {
  const given = deployment('given');
  const before = structuredClone(given);
  const created = await resources.create(DeploymentKind, 'default', given);
  expect(given).toEqual(before);
  expect([created.spec.replicas, created.metadata.generation]).toEqual([1, 1]);
  const next = { ...created, spec: { ...created.spec, replicas: 2 } };
  const kept = structuredClone(next);
  await resources.update(DeploymentKind, next);
  expect(next).toEqual(kept);
});

test('makes names from prefixes that never clash', async () => {
  const made = await Promise.all(
    Array.from({ length: 20 }, () =>
      resources.create(ConfigMapKind, 'default', { metadata: { generateName: 'gen-' } }),
    ),
  );
  const names = made.map(({ metadata }) => metadata.name!);
  expect(new Set(names).size).toBe(20);
  for (const name of names) expect(name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});

test('writes only what changes, and reads again when another was first', async () => {
  const created = await resources.create(ConfigMapKind, 'default', map('mutated'));
  const same = await resources.mutate(ConfigMapKind, 'default', 'mutated', () => undefined);
  expect(same.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  const add = (key: string) =>
    resources.mutate(ConfigMapKind, 'default', 'mutated', (current) => ({
      ...current,
      data: { ...current.data, [key]: 'x' },
    }));
  await Promise.all(['b', 'c', 'd', 'e'].map(add));
  const { data } = await resources.get(ConfigMapKind, 'default', 'mutated');
  expect(Object.keys(data!).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('what a create hook answers with is shown once and never stored', async () => {
  await using other = await startApi();
  await other.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  other.api.resources.onCreate(ConfigMapKind, (object) => {
    object.data = { hash: 'stored' };
    return (stored) => ({ ...stored, data: { ...stored.data, secret: 'shown' } });
  });
  const path = '/api/v1/namespaces/default/configmaps';
  const { body } = await other.call('POST', path, map('hooked'));
  expect(body.data).toEqual({ hash: 'stored', secret: 'shown' });
  expect((await other.call('GET', `${path}/hooked`)).body.data).toEqual({ hash: 'stored' });
});

test('a leader that was overtaken writes nothing', async () => {
  const { store } = api.objects;
  const value = new Uint8Array([1]);
  const won = await store.transact([], [{ type: 'put', key: 'leader/test', value }]);
  const fenced = resources.fenced(() => ({ key: 'leader/test', modRevision: won.revision }));
  await fenced.create(ConfigMapKind, 'default', map('as-leader'));
  await store.transact([], [{ type: 'put', key: 'leader/test', value }]);
  await expect(fenced.create(ConfigMapKind, 'default', map('too-late'))).rejects.toMatchObject({
    reason: 'ServiceUnavailable',
  });
  await expect(fenced.delete(ConfigMapKind, 'default', 'as-leader')).rejects.toMatchObject({
    reason: 'ServiceUnavailable',
  });
  expect(await resources.find(ConfigMapKind, 'default', 'too-late')).toBeUndefined();
  expect(await resources.find(ConfigMapKind, 'default', 'as-leader')).toBeDefined();
});

test('of many deletes of one object exactly one removes it', async () => {
  await resources.create(ConfigMapKind, 'default', map('raced'));
  const tries = Array.from({ length: 5 }, () =>
    resources.delete(ConfigMapKind, 'default', 'raced'),
  );
  const outcomes = await Promise.allSettled(tries);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason.reason).toBe('NotFound');
  }
});
