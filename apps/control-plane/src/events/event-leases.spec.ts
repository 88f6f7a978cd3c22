import { EventKind } from '@gantry/api';
import type { Kind } from '@gantry/api-machinery';
import { systemClock } from '@gantry/base';
import { storeKey } from '@gantry/controller';
import { EmbeddedStore, EtcdStore, type Store } from '@gantry/store';
import { startEtcd } from '@gantry/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { type ApiFixture, startApi } from '../api/testing/api-fixture.js';
import { EventLeases } from './event-leases.js';

const core = '/api/v1/namespaces/default/events';
const reported = '/apis/events.k8s.io/v1/namespaces/default/events';
const patience = { timeout: 15_000, interval: 50 };
/** The shortest that etcd grants. */
const ttlSeconds = 2;

let stack: AsyncDisposableStack;
afterEach(() => stack.disposeAsync());

async function start(store: Store): Promise<ApiFixture> {
  const leases = new EventLeases(store, systemClock, ttlSeconds);
  const leaseOf = (kind: Kind) => (kind === (EventKind as Kind) ? leases.current() : undefined);
  const api = stack.use(await startApi({ store, leaseOf }));
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  return api;
}

const stores: Record<string, () => Promise<Store>> = {
  etcd: async () => {
    const etcd = await startEtcd();
    stack.defer(() => etcd.stop());
    return new EtcdStore({ endpoints: [etcd.endpoint] });
  },
  embedded: async () => new EmbeddedStore({ progressIntervalMs: 200 }),
};

const said = { involvedObject: { namespace: 'default', name: 'x' }, message: 'said' };
const noted = {
  metadata: { name: 'new' },
  eventTime: '2026-01-02T03:04:05.678901Z',
  reportingController: 'c',
  reportingInstance: 'i',
  action: 'Act',
  reason: 'Acted',
  regarding: { kind: 'Pod', namespace: 'default', name: 'x' },
  type: 'Normal',
};

test.each(Object.keys(stores))('events of clients go by themselves: %s', async (name) => {
  stack = new AsyncDisposableStack();
  const store = await stores[name]!();
  const api = await start(store);
  const made = await Promise.all([
    api.call('POST', core, { metadata: { name: 'old' }, ...said }),
    api.call('POST', reported, noted),
    api.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'stays' } }),
  ]);
  expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
  const lease = async () => (await store.get(storeKey(EventKind, 'default', 'old')))?.leaseId;
  const first = await lease();
  expect(first).toBeDefined();
  // Each time that it is seen again it has its whole time before it.
  await vi.waitFor(async () => {
    const type = { 'content-type': 'application/merge-patch+json' };
    const count = { count: Math.ceil(Math.random() * 1e9) };
    expect((await api.call('PATCH', `${core}/old`, count, type)).status).toBe(200);
    expect(await lease()).not.toBe(first);
  }, patience);
  await vi.waitFor(async () => {
    expect((await api.call('GET', core)).body.items).toEqual([]);
  }, patience);
  const { status } = await api.call('GET', '/api/v1/namespaces/default/configmaps/stays');
  expect(status).toBe(200);
});
