import { ConfigMapKind, type ConfigMap } from '@gantry/api';
import { isReason, unavailable } from '@gantry/base';
import { EmbeddedStore, type StoreEvent, type WatchOptions } from '@gantry/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Informer } from './informer.js';
import { objectKey } from './object-key.js';
import { ObjectStore } from './object-store.js';

/** A real store whose watches can be broken, and which then forgets its history if told to. */
class BreakableStore extends EmbeddedStore {
  private breaks = new AbortController();
  watches = 0;
  broken = false;

  override async *watchBatches(
    prefix: string,
    options: WatchOptions,
  ): AsyncGenerator<readonly StoreEvent[]> {
    if (this.broken) throw unavailable('the store is out of reach');
    this.watches += 1;
    const signal = AbortSignal.any([options.signal, this.breaks.signal]);
    yield* super.watchBatches(prefix, { ...options, signal });
    if (!options.signal.aborted) throw unavailable('the watch broke');
  }

  breakWatches(): void {
    this.broken = true;
    this.breaks.abort();
  }

  /** Lets watches through again. */
  heal(): void {
    if (!this.broken) return;
    this.broken = false;
    this.breaks = new AbortController();
  }
}

let store: BreakableStore;
let objects: ObjectStore;
let informer: Informer<ConfigMap>;
let stop: AbortController;
let running: Promise<void>;

const configMap = (name: string, value = '', owner = 'none') =>
  ({ metadata: { name, namespace: 'default', labels: { owner } }, data: { value } }) as ConfigMap;

const write = (name: string, value: string) =>
  objects.mutate(ConfigMapKind, 'default', name, (current) => ({ ...current, data: { value } }));

beforeEach(() => {
  store = new BreakableStore();
  objects = new ObjectStore(store);
  const byOwner = ({ metadata }: ConfigMap) => [metadata.labels?.['owner'] ?? ''];
  informer = new Informer(objects, ConfigMapKind, { indexes: { owner: byOwner } });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await running;
  await store.close();
});

/** All states that a handler was told of, and what it must believe to be there. */
class Recorder {
  readonly believed = new Map<string, string>();
  readonly told: string[] = [];

  constructor(informer: Informer<ConfigMap>) {
    informer.subscribe({
      added: (object) => this.record('added', object, false),
      updated: (object, previous) => {
        expect(this.believed.get(objectKey(previous))).toBe(previous.data?.['value']);
        this.record('updated', object, true);
      },
      deleted: (object) => {
        expect(this.believed.delete(objectKey(object))).toBe(true);
        this.told.push(`deleted ${object.metadata.name}`);
      },
    });
  }

  private record(what: string, object: ConfigMap, known: boolean): void {
    expect(this.believed.has(objectKey(object))).toBe(known);
    this.believed.set(objectKey(object), object.data?.['value'] ?? '');
    this.told.push(`${what} ${object.metadata.name} ${object.data?.['value']}`);
  }
}

describe('Informer', () => {
  it('holds what is there and follows what changes, in order', async () => {
    await objects.create(ConfigMapKind, configMap('a', '1', 'x'));
    const recorder = new Recorder(informer);
    running = informer.run(stop.signal);
    await informer.synced;
    expect(informer.hasSynced).toBe(true);
    await objects.create(ConfigMapKind, configMap('b', '1', 'y'));
    await write('a', '2');
    await objects.remove(ConfigMapKind, 'default', 'b');
    await expect.poll(() => recorder.told).toHaveLength(4);
    expect(recorder.told).toEqual(['added a 1', 'added b 1', 'updated a 2', 'deleted b']);
    expect(informer.get('default', 'a')?.data).toEqual({ value: '2' });
    expect(informer.byIndex('owner', 'x')).toHaveLength(1);
    expect(informer.byIndex('owner', 'y')).toEqual([]);
    expect(informer.list('other')).toEqual([]);
  });

  it('tells the others, and goes on, when one handler throws', async () => {
    informer.subscribe({
      added: () => {
        throw new Error('a fault of this handler alone');
      },
    });
    const recorder = new Recorder(informer);
    running = informer.run(stop.signal);
    await objects.create(ConfigMapKind, configMap('a', '1'));
    await objects.create(ConfigMapKind, configMap('b', '1'));
    await expect.poll(() => recorder.told.sort()).toEqual(['added a 1', 'added b 1']);
    expect(store.watches).toBe(1);
  });

  it('tells a late handler what is there already', async () => {
    await objects.create(ConfigMapKind, configMap('a', '1'));
    running = informer.run(stop.signal);
    await informer.synced;
    expect(new Recorder(informer).told).toEqual(['added a 1']);
  });

  it('moves an object between the values of an index', async () => {
    const created = await objects.create(ConfigMapKind, configMap('a', '1', 'x'));
    running = informer.run(stop.signal);
    await informer.synced;
    const metadata = { ...created.metadata, labels: { owner: 'y' } };
    await objects.update(ConfigMapKind, { ...created, metadata });
    await expect.poll(() => informer.byIndex('owner', 'y').length).toBe(1);
    expect(informer.byIndex('owner', 'x')).toEqual([]);
    informer.addIndex('value', (object) => [object.data?.['value'] ?? '']);
    expect(informer.byIndex('value', '1')).toHaveLength(1);
  });

  it('shows an object that was replaced as gone and new', async () => {
    await objects.create(ConfigMapKind, configMap('a', '1'));
    const recorder = new Recorder(informer);
    running = informer.run(stop.signal);
    await informer.synced;
    store.breakWatches();
    await objects.remove(ConfigMapKind, 'default', 'a');
    const { metadata } = await objects.create(ConfigMapKind, configMap('a', '2'));
    await store.compact(BigInt(metadata.resourceVersion ?? ''));
    store.heal();
    await expect.poll(() => recorder.told).toHaveLength(3);
    expect(recorder.told).toEqual(['added a 1', 'deleted a', 'added a 2']);
  });

  it('loses nothing when watches break, and lists again when history is gone', async () => {
    const recorder = new Recorder(informer);
    running = informer.run(stop.signal);
    await informer.synced;
    for (let round = 0; round < 12; round += 1) {
      if (round % 3 === 1) store.breakWatches();
      for (let index = 0; index < 8; index += 1)
        await change(`m${(round * 5 + index) % 11}`, round);
      const { revision } = await store.range('', { limit: 1 });
      if (round % 6 === 4) await store.compact(revision);
      store.heal();
      await expect.poll(() => informer.resourceVersion).toBe(String(revision));
    }
    const { items } = await objects.list(ConfigMapKind);
    const truth = new Map(items.map((item) => [objectKey(item), item.data?.['value'] ?? '']));
    expect(recorder.believed).toEqual(truth);
    expect(new Map(informer.list().map((item) => [objectKey(item), item.data?.['value']]))).toEqual(
      truth,
    );
    expect(store.watches).toBeGreaterThan(3);
  });

  it('tells in turns what is there, and at once what changes meanwhile', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `map-${100 + i}`);
    for (const name of names) await objects.create(ConfigMapKind, configMap(name));
    running = informer.run(stop.signal);
    await informer.synced;
    const told: string[] = [];
    const changed: string[] = [];
    const handler = {
      added: ({ metadata }: ConfigMap) => {
        // Longer than a slice may last, so that others come between each two slices.
        const endMs = performance.now() + (told.length % 64 === 0 ? 10 : 0);
        while (performance.now() < endMs);
        told.push(metadata.name!);
      },
      updated: ({ metadata }: ConfigMap) => void changed.push(metadata.name!),
    };
    let toldBefore = -1;
    setImmediate(() => (toldBefore = told.length));
    const subscribed = informer.subscribeInTurns(handler);
    await write('map-399', 'new');
    const end = await subscribed;
    expect(toldBefore).toBeGreaterThan(0);
    expect(toldBefore).toBeLessThan(names.length);
    expect([...new Set(told)].sort()).toEqual(names);
    await expect.poll(() => changed).toEqual(['map-399']);
    end();
  });
});

/** Creates, changes or removes, by turns. */
async function change(name: string, round: number): Promise<void> {
  try {
    await objects.create(ConfigMapKind, configMap(name, `born ${round}`));
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    if (round % 2 === 0) await objects.remove(ConfigMapKind, 'default', name);
    else await write(name, `round ${round}`);
  }
}
