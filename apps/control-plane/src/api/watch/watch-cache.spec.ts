import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigMapKind } from '@gantry/api';
import type { ConfigMap } from '@gantry/api';
import { aborted, compacted, silentLogger, systemClock } from '@gantry/base';
import { Informers, ObjectStore } from '@gantry/controller';
import { EmbeddedStore } from '@gantry/store';
import { maxWaitingEvents } from './subscription.js';
import { maxHistory, WatchCache } from './watch-cache.js';
import { WatchCaches } from './watch-caches.js';

let store: EmbeddedStore;
let objects: ObjectStore;
let stop: AbortController;
let cache: WatchCache<ConfigMap>;

beforeEach(async () => {
  store = new EmbeddedStore({ progressIntervalMs: 50 });
  objects = new ObjectStore(store);
  stop = new AbortController();
  const dependencies = { objects, clock: systemClock, logger: silentLogger, signal: stop.signal };
  cache = await new WatchCaches(dependencies).ready(ConfigMapKind);
});
afterEach(async () => {
  stop.abort();
  await store.close();
});

const named = (name: string): ConfigMap => ({ metadata: { name, namespace: 'default' } });

async function write(count: number): Promise<void> {
  await objects.create(ConfigMapKind, named('busy'));
  for (let i = 1; i < count; i++) {
    await objects.mutate(ConfigMapKind, 'default', 'busy', (map) => ({
      ...map,
      data: { i: `${i}` },
    }));
  }
}

test('drops a watcher that reads too slowly, and only that one', async () => {
  const slow = cache.subscribe(cache.revision, {});
  const quick = cache.subscribe(cache.revision, {});
  const reading = (async () => {
    for (let seen = 0; seen <= maxWaitingEvents; seen++) await quick.next();
  })();
  await write(maxWaitingEvents + 1);
  await expect.poll(() => cache.watcherCount).toBe(1);
  await expect(slow.next()).rejects.toMatchObject({ reason: 'Expired' });
  await reading;
  quick.end();
  expect(cache.watcherCount).toBe(0);
});

test('replays what it remembers, and says so when that is not enough', async () => {
  const start = cache.revision;
  await write(maxHistory + 10);
  await expect.poll(() => cache.revision - start).toBeGreaterThanOrEqual(BigInt(maxHistory + 10));
  expect(() => cache.subscribe(start, {})).toThrow('too old resource version');
  const recent = cache.subscribe(cache.revision - 5n, {});
  const events = [];
  for (let i = 0; i < 5; i++) events.push((await recent.next()).value!.object.data!['i']);
  expect(events).toEqual([5, 6, 7, 8, 9].map((i) => String(maxHistory + i)));
  recent.end();
});

test('bookmarks come behind what is still to be read and carry the newest revision', async () => {
  const subscription = cache.subscribe(cache.revision, {});
  await objects.create(ConfigMapKind, named('a'));
  await expect.poll(() => cache.items().length).toBe(1);
  cache.pushBookmark(subscription);
  const [first, second] = [await subscription.next(), await subscription.next()];
  expect([first.value!.type, second.value!.type]).toEqual(['ADDED', 'BOOKMARK']);
  expect(second.value!.object).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { resourceVersion: String(cache.revision) },
  });
});

test('all watchers of an event share one encoding', async () => {
  const [a, b] = [cache.subscribe(cache.revision, {}), cache.subscribe(cache.revision, {})];
  await objects.create(ConfigMapKind, named('shared'));
  const [first, second] = [await a.next(), await b.next()];
  expect(first.value).toBe(second.value);
  expect(JSON.parse(first.value!.line())).toMatchObject({
    type: 'ADDED',
    object: { kind: 'ConfigMap' },
  });
});

test('informers follow the caches: the state of a revision first, then each change, with no watch of their own', async () => {
  let watches = 0;
  const counted = Object.assign(Object.create(store) as EmbeddedStore, {
    watchBatches: (...args: Parameters<EmbeddedStore['watchBatches']>) => {
      watches += 1;
      return store.watchBatches(...args);
    },
  });
  const shared = new ObjectStore(counted);
  const basics = { clock: systemClock, logger: silentLogger, signal: stop.signal };
  const caches = new WatchCaches({ objects: shared, ...basics });
  await caches.ready(ConfigMapKind);
  await shared.create(ConfigMapKind, named('before'));
  // A write elsewhere is the newest; the cache hears of no change by which it could tell that it is current.
  const { revision } = await store.transact(
    [],
    [{ type: 'put', key: 'other', value: new Uint8Array() }],
  );
  const informers = [0, 1].map(() => {
    const of = new Informers(shared, { shared: caches.since(revision) });
    void of.run(stop.signal);
    return of.for(ConfigMapKind);
  });
  await Promise.all(informers.map(({ synced }) => synced));
  for (const informer of informers) {
    expect(informer.seenRevision).toBeGreaterThanOrEqual(revision);
    expect(informer.get('default', 'before')).toBeDefined();
  }
  await shared.create(ConfigMapKind, named('after'));
  await expect.poll(() => informers[1]!.get('default', 'after')).toBeDefined();
  expect(informers[0]!.get('default', 'after')).toBe(informers[1]!.get('default', 'after'));
  expect(watches).toBe(1);
});

test('tells informers the difference when history was lost', async () => {
  const broken = new AbortController();
  const forgetful = Object.assign(Object.create(store) as EmbeddedStore, {
    async *watchBatches(...[prefix, options]: Parameters<EmbeddedStore['watchBatches']>) {
      if (options.after !== undefined && broken.signal.aborted) {
        return yield* store.watchBatches(prefix, options);
      }
      await aborted(AbortSignal.any([broken.signal, options.signal]));
      throw compacted();
    },
  });
  const shared = new ObjectStore(forgetful);
  const basics = { clock: systemClock, logger: silentLogger, signal: stop.signal };
  const caches = new WatchCaches({ objects: shared, ...basics });
  for (const name of ['kept', 'changed', 'gone']) await shared.create(ConfigMapKind, named(name));
  const informers = new Informers(shared, { shared: caches.since(0n) });
  void informers.run(stop.signal);
  const informer = informers.for(ConfigMapKind);
  await informer.synced;
  const told: string[] = [];
  const tell = (what: string) => (map: ConfigMap) => void told.push(`${what} ${map.metadata.name}`);
  informer.subscribe({ added: tell('+'), updated: tell('~'), deleted: tell('-') });
  expect(told.sort()).toEqual(['+ changed', '+ gone', '+ kept']);
  told.length = 0;
  await shared.mutate(ConfigMapKind, 'default', 'changed', (map) => ({ ...map, data: { a: 'b' } }));
  await shared.remove(ConfigMapKind, 'default', 'gone');
  await shared.create(ConfigMapKind, named('new'));
  broken.abort();
  await expect.poll(() => told.length).toBe(3);
  expect(told.sort()).toEqual(['+ new', '- gone', '~ changed']);
  expect(
    informer
      .list()
      .map(({ metadata }) => metadata.name)
      .sort(),
  ).toEqual(['changed', 'kept', 'new']);
});

test('ends its watchers when it stops', async () => {
  const subscription = cache.subscribe(cache.revision, {});
  stop.abort();
  expect(await subscription.next()).toEqual({ done: true, value: undefined });
});
