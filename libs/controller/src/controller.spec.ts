import { ConfigMapKind, type ConfigMap } from '@gantry/api';
import { silentLogger } from '@gantry/base';
import { EmbeddedStore } from '@gantry/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Controller, source, type ControllerOptions } from './controller.js';
import { Informers } from './informers.js';
import { objectKey } from './object-key.js';
import { ObjectStore } from './object-store.js';
import { WorkQueue } from './work-queue.js';

let store: EmbeddedStore;
let objects: ObjectStore;
let informers: Informers;
let stop: AbortController;
const runs: Promise<void>[] = [];

const configMap = (name: string) =>
  ({ metadata: { name, namespace: 'default' }, data: {} }) as ConfigMap;

beforeEach(() => {
  store = new EmbeddedStore();
  objects = new ObjectStore(store);
  informers = new Informers(objects);
  stop = new AbortController();
  runs.push(informers.run(stop.signal));
});

afterEach(async () => {
  stop.abort();
  await Promise.all(runs.splice(0));
  await store.close();
});

function controller(reconcile: ControllerOptions['reconcile'], more = {}): Controller {
  return new Controller({
    name: 'test',
    sources: [source(informers.for(ConfigMapKind), (object) => [objectKey(object)])],
    queue: new WorkQueue({ baseDelayMs: 1, maxDelayMs: 5 }),
    logger: silentLogger,
    reconcile,
    ...more,
  });
}

describe('Controller', () => {
  it('reconciles what is there and what changes', async () => {
    await objects.create(ConfigMapKind, configMap('old'));
    const seen: string[] = [];
    const tested = controller(async (key) => void seen.push(key));
    runs.push(tested.run(stop.signal));
    await expect.poll(() => seen).toEqual(['default/old']);
    await objects.create(ConfigMapKind, configMap('new'));
    await expect.poll(() => seen).toEqual(['default/old', 'default/new']);
    await objects.remove(ConfigMapKind, 'default', 'old');
    await expect.poll(() => seen.at(-1)).toBe('default/old');
  });

  it('tries again what failed, and looks again later when asked to', async () => {
    const outcomes: string[] = [];
    const metrics = {
      depth: () => {},
      reconciled: (_: string, outcome: string) => void outcomes.push(outcome),
    };
    let failures = 3;
    const reconcile = async () => {
      if (failures-- > 0) throw new Error('not yet');
      if (failures === -1) return { requeueAfterMs: 1 };
      return undefined;
    };
    const tested = controller(reconcile, { metrics });
    runs.push(tested.run(stop.signal));
    await objects.create(ConfigMapKind, configMap('a'));
    await expect.poll(() => outcomes.length).toBe(5);
    expect(outcomes).toEqual(['error', 'error', 'error', 'requeue', 'success']);
  });

  it('never works on one key twice at once, and on no more keys than it may', async () => {
    const active = new Set<string>();
    let most = 0;
    const done = new Map<string, number>();
    const reconcile = async (key: string) => {
      expect(active.has(key)).toBe(false);
      active.add(key);
      most = Math.max(most, active.size);
      await new Promise(setImmediate);
      active.delete(key);
      done.set(key, (done.get(key) ?? 0) + 1);
    };
    const tested = controller(reconcile, { concurrency: 3 });
    runs.push(tested.run(stop.signal));
    for (let index = 0; index < 20; index += 1) {
      await objects.create(ConfigMapKind, configMap(`m${index}`));
      tested.queue.add('default/m0');
    }
    await expect.poll(() => done.size).toBe(20);
    await expect.poll(() => tested.queue.idle).toBe(true);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(3);
  });

  it('stops when told to, ends what it has begun, and starts afresh in the next term', async () => {
    await objects.create(ConfigMapKind, configMap('a'));
    const ended: string[] = [];
    const tested = controller(async (key, signal) => {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      ended.push(key);
    });
    for (const terms of [1, 2]) {
      const term = new AbortController();
      const running = tested.run(term.signal);
      await expect.poll(() => tested.queue.idle).toBe(false);
      await expect.poll(() => tested.queue.depth).toBe(0);
      term.abort();
      await running;
      expect(ended).toHaveLength(terms);
    }
  });
});
