import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { PodKind, type Pod } from '@gantry/api';
import { isReason, silentLogger, systemClock } from '@gantry/base';
import { Informers, ObjectStore } from '@gantry/controller';
import { podRequests } from '@gantry/scheduler';
import { HollowNodes } from '@gantry/testing';
import { Registry } from 'prom-client';
import { Resources, WatchCaches } from '../../api/index.js';
import { TestCluster } from '../../controllers/testing/cluster.js';
import { EventRecorder } from '../../events/index.js';
import { SchedulingLoop } from '../scheduling-loop.js';
import { SchedulingMetrics } from '../scheduling-metrics.js';
import { failingStore, type Fate } from './failing-store.js';

type Cluster = TestCluster<HollowNodes>;

const cpus = [4, 2, 8, 3] as const;
const names = cpus.map((_, i) => `n${i}`);

async function startCluster(): Promise<Cluster> {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
    scheduling: false,
    controllers: false,
  }).start();
  for (const [i, cpu] of cpus.entries()) {
    await cluster.nodes.connect({ name: `n${i}`, allocatable: { cpu: `${cpu}` } });
  }
  return cluster;
}

const pod = (name: string, cpu: number, schedulerName = 'default-scheduler') => ({
  metadata: { name, namespace: 'default' },
  spec: {
    schedulerName,
    containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu: `${cpu}` } } }],
  },
});

/** A loop of its own on this store, until the returned function is called. */
function schedule(
  { resources, objects }: Pick<Cluster, 'resources' | 'objects'>,
  informers = new Informers(objects),
) {
  const stopping = new AbortController();
  const { signal } = stopping;
  const events = new EventRecorder({
    store: objects.store,
    clock: systemClock,
    logger: silentLogger,
  });
  const loop = new SchedulingLoop({
    resources,
    objects,
    informers,
    events,
    metrics: new SchedulingMetrics(new Registry()),
    clock: systemClock,
    logger: silentLogger,
  });
  const work = Promise.all([informers.run(signal), events.run(signal), loop.run(signal)]);
  return async () => {
    stopping.abort(new Error('the test is over'));
    await work;
  };
}

function takenOf(pods: readonly Pod[], node: string): number {
  const on = pods.filter((each) => each.spec.nodeName === node);
  return on.reduce((sum, each) => sum + (podRequests(each.spec).get('cpu') ?? 0) / 1_000, 0);
}

function expectNoOvercommit(pods: readonly Pod[]): void {
  for (const [i, node] of names.entries())
    expect(takenOf(pods, node)).toBeLessThanOrEqual(cpus[i]!);
}

/** Watches every state that the store goes through, not only the last one. */
async function watchAll(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const pods = new Map<string, Pod>();
  try {
    for await (const { type, object } of cluster.objects.watch(PodKind, {}, signal)) {
      if (type === 'BOOKMARK') continue;
      if (type === 'DELETED') pods.delete(object.metadata.uid!);
      else pods.set(object.metadata.uid!, object);
      expectNoOvercommit([...pods.values()]);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** A scheduler that knows nothing: it tries nodes by chance, as fast as it can. */
async function bindByChance(cluster: Cluster, own: readonly string[], dice: () => number) {
  const refusals: unknown[] = [];
  for (const name of own) {
    for (let tries = 0; tries < 6; tries++) {
      try {
        await cluster.resources.bind('default', name, names[dice() % names.length]!);
        break;
      } catch (error) {
        if (!isReason(error, 'Conflict')) throw error;
        refusals.push(error);
      }
    }
  }
  return refusals.length;
}

test('several schedulers side by side never overcommit a node, at no moment', async () => {
  let [refusals, fromOthers] = [0, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(1, 1, 2, 3), { minLength: 6, maxLength: 14 }),
      fc.array(fc.constantFrom(1, 1, 2, 3), { minLength: 6, maxLength: 14 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      async (ours, theirs, seed) => {
        await using cluster = await startCluster();
        let state = seed;
        const dice = () => (state = (state * 48_271) % 2_147_483_647);
        const watching = new AbortController();
        const watched = watchAll(cluster, watching.signal);
        for (const [i, cpu] of theirs.entries()) {
          await cluster.create(PodKind, pod(`their-${i}`, cpu, 'other'));
        }
        const halves = [0, 1].map((half) =>
          theirs.flatMap((_, i) => (i % 2 === half ? [`their-${i}`] : [])),
        );
        const stop = schedule(cluster);
        try {
          const creating = (async () => {
            for (const [i, cpu] of ours.entries())
              await cluster.create(PodKind, pod(`our-${i}`, cpu));
          })();
          const counts = await Promise.all(halves.map((own) => bindByChance(cluster, own, dice)));
          await creating;
          refusals += counts[0]! + counts[1]!;
          // The loop comes to rest: whoever waits fits nowhere.
          await vi.waitFor(
            async () => {
              const pods = await cluster.list(PodKind);
              fromOthers += pods.filter(
                (p) => p.spec.schedulerName === 'other' && p.spec.nodeName,
              ).length;
              const waiting = pods.filter(
                (p) => !p.spec.nodeName && p.spec.schedulerName !== 'other',
              );
              const free = names.map((node, i) => cpus[i]! - takenOf(pods, node));
              for (const each of waiting) {
                const asked = podRequests(each.spec).get('cpu')! / 1_000;
                expect(Math.max(...free)).toBeLessThan(asked);
              }
            },
            { timeout: 10_000, interval: 20 },
          );
        } finally {
          await stop();
          watching.abort();
          await watched;
        }
        expectNoOvercommit(await cluster.list(PodKind));
      },
    ),
    { numRuns: 8, endOnFailure: true },
  );
  expect(refusals).toBeGreaterThan(0);
  expect(fromOthers).toBeGreaterThan(0);
}, 90_000);

test('failures between decision and commit: nothing is overcommitted, bound twice or forgotten', async () => {
  let failures = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(1, 1, 2), { minLength: 5, maxLength: 9 }),
      fc.array(fc.constantFrom<Fate>('done', 'lost before', 'lost after'), {
        minLength: 2,
        // Each one that is lost doubles the wait until the next attempt.
        maxLength: 4,
      }),
      async (sizes, fates) => {
        await using cluster = await startCluster();
        const left = [...fates];
        const store = failingStore(cluster.store, () => {
          const fate = left.shift() ?? 'done';
          if (fate !== 'done') failures++;
          return fate;
        });
        const objects = new ObjectStore(store);
        const watching = new AbortController();
        const caches = new WatchCaches({
          objects,
          clock: systemClock,
          logger: silentLogger,
          signal: watching.signal,
        });
        const resources = new Resources({ objects, caches, clock: systemClock });
        const watched = watchAll(cluster, watching.signal);
        for (const [i, cpu] of sizes.entries()) await cluster.create(PodKind, pod(`p-${i}`, cpu));
        const stop = schedule({ resources, objects });
        try {
          await vi.waitFor(
            async () => {
              const pods = await cluster.list(PodKind);
              expect(pods.filter((each) => !each.spec.nodeName)).toEqual([]);
            },
            { timeout: 30_000, interval: 20 },
          );
        } finally {
          await stop();
          watching.abort();
          await watched;
        }
        expectNoOvercommit(await cluster.list(PodKind));
      },
    ),
    { numRuns: 5, endOnFailure: true },
  );
  expect(failures).toBeGreaterThan(0);
}, 180_000);

test('a pod that changes while it is being bound is bound as it is then', async () => {
  await using cluster = await startCluster();
  const informers = new Informers(cluster.objects);
  const changed = Promise.withResolvers<void>();
  let isFirst = true;
  const store = failingStore(cluster.store, async (): Promise<Fate> => {
    if (!isFirst) return 'done';
    isFirst = false;
    // Its own change comes first, and is seen before the binding is refused for it.
    const { metadata } = await cluster.objects.mutate(PodKind, 'default', 'p', (current) => {
      return { ...current, metadata: { ...current.metadata, labels: { touched: 'yes' } } };
    });
    const seen = () => informers.for(PodKind).seenRevision >= BigInt(metadata.resourceVersion!);
    await vi.waitFor(() => expect(seen()).toBe(true), { timeout: 5_000 });
    changed.resolve();
    return 'done';
  });
  await cluster.create(PodKind, pod('p', 1));
  const stop = schedule(
    { resources: cluster.resources, objects: new ObjectStore(store) },
    informers,
  );
  try {
    await changed.promise;
    await vi.waitFor(
      async () => {
        const { metadata, spec } = await cluster.resources.get(PodKind, 'default', 'p');
        expect([spec.nodeName !== undefined, metadata.labels]).toEqual([true, { touched: 'yes' }]);
      },
      { timeout: 10_000 },
    );
  } finally {
    await stop();
  }
}, 30_000);
