import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PodKind, PriorityClassKind, type Pod } from '@gantry/api';
import { compacted, silentLogger, systemClock } from '@gantry/base';
import { Informers, ObjectStore } from '@gantry/controller';
import { HollowNodes } from '@gantry/testing';
import { Snapshot } from '@gantry/scheduler';
import type { Store } from '@gantry/store';
import { Registry } from 'prom-client';
import { TestCluster } from '../../controllers/testing/cluster.js';
import { EventRecorder } from '../../events/index.js';
import { SchedulingLoop } from '../scheduling-loop.js';
import { SchedulingMetrics } from '../scheduling-metrics.js';
import { failingStore } from '../properties/failing-store.js';
import { Checkpoint, writeCheckpoint } from './checkpoint-file.js';
import { Checkpoints } from './checkpoints.js';
import { HeadStart } from './head-start.js';
import { survey } from './checkpoint-writer.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-checkpoint-'));
});

afterEach(() => rm(folder, { recursive: true }));

const pod = (name: string, cpu: number, spec: object = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu: `${cpu}` } } }],
    terminationGracePeriodSeconds: 0,
    ...spec,
  },
});

type Cluster = TestCluster<HollowNodes>;

async function startCluster(): Promise<Cluster> {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
    scheduling: false,
    controllers: false,
  }).start();
  for (const name of ['a', 'b']) await cluster.nodes.connect({ name, allocatable: { cpu: '4' } });
  return cluster;
}

/** A scheduler as it is after a restart: it knows nothing but the store and the folder. */
class Restarted implements AsyncDisposable {
  readonly informers: Informers;
  readonly loop: SchedulingLoop;
  readonly checkpoints: Checkpoints;
  private readonly listed = Promise.withResolvers<void>();
  private readonly stopping = new AbortController();
  private readonly work: Promise<unknown>;
  private readonly beside: Promise<unknown>;

  /** `held`: its lists of pods wait until `list` is called. */
  constructor(cluster: Cluster, given: { held?: boolean; store?: Store } = {}) {
    const { held = false, store = cluster.store } = given;
    const [clock, logger] = [systemClock, silentLogger];
    const { resources } = cluster;
    if (!held) this.list();
    const turn = (kind: object) => (kind === PodKind ? this.listed.promise : undefined);
    const objects = new ObjectStore(store, { turn });
    const events = new EventRecorder({ store, clock, logger });
    const informers = (this.informers = new Informers(objects));
    const file = join(folder, 'scheduler-checkpoint');
    const own = { file, identity: 'me', minPods: 1, intervalMs: 3_600_000, clock, logger };
    const checkpoints = (this.checkpoints = new Checkpoints({ ...own, store }));
    const metrics = new SchedulingMetrics(new Registry());
    const parts = { resources, objects, informers, events, metrics, clock, logger, checkpoints };
    this.loop = new SchedulingLoop(parts);
    const { signal } = this.stopping;
    this.work = this.loop.run(signal);
    this.beside = Promise.all([informers.run(signal), events.run(signal)]);
  }

  list(): void {
    this.listed.resolve();
  }

  /** Uid and node of all pods that its snapshot holds. */
  get placed(): string[] {
    return placesIn(this.loop.scheduler.snapshot);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort(new Error('the test is over'));
    await this.work;
    this.list();
    await this.beside;
  }
}

function placesIn(snapshot: Snapshot): string[] {
  return [...snapshot.confirmed()].map((uid) => `${uid} ${snapshot.pod(uid)!.nodeName}`).sort();
}

const find = (cluster: Cluster, name: string) =>
  cluster.resources.get<Pod>(PodKind, 'default', name);

const nodeOf = async (cluster: Cluster, name: string) => (await find(cluster, name)).spec.nodeName;

async function isPlaced(cluster: Cluster, name: string, node?: string): Promise<void> {
  const at = node ?? expect.any(String);
  await vi.waitFor(async () => expect(await nodeOf(cluster, name)).toEqual(at), 10_000);
}

/** The present state, as the store has it. */
async function placedIn(cluster: Cluster): Promise<string[]> {
  const pods = await cluster.list(PodKind);
  const bound = pods.filter(({ spec, status }) => spec.nodeName && status?.phase !== 'Succeeded');
  return bound.map(({ metadata, spec }) => `${metadata.uid} ${spec.nodeName}`).sort();
}

/** Pods that fill node `a`, and a scheduler that has placed them and written its checkpoint. */
async function filled(): Promise<Cluster> {
  const cluster = await startCluster();
  await using scheduler = new Restarted(cluster);
  await scheduler.loop.fed;
  for (const name of ['first', 'second']) {
    await cluster.create(PodKind, pod(name, 2));
    await isPlaced(cluster, name, 'a');
  }
  await vi.waitFor(() => expect(scheduler.placed).toHaveLength(2));
  await write(cluster, scheduler);
  return cluster;
}

/** As after an interval, at once. */
async function write(cluster: Cluster, { informers, loop }: Restarted, revision?: string) {
  const pods = informers.for(PodKind);
  const { signal } = new AbortController();
  const { header, records } = (await survey(pods, loop.scheduler.snapshot, signal))!;
  const id = crypto.randomUUID();
  const written = { ...header, id, revision: revision ?? header.revision };
  await writeCheckpoint(join(folder, 'scheduler-checkpoint'), written, records);
  const value = Buffer.from(JSON.stringify({ id }));
  const key = 'scheduling/checkpoints/me';
  await cluster.store.transact([], [{ type: 'put', key, value }]);
}

test('a scheduler that is started anew decides before it has listed any pod', async () => {
  await using cluster = await filled();
  await cluster.resources.delete(PodKind, 'default', 'first', { gracePeriodSeconds: 0 });
  await cluster.create(PodKind, pod('elsewhere', 3));
  await cluster.resources.bind('default', 'elsewhere', 'b');
  await cluster.create(PodKind, pod('waits', 2));
  await using scheduler = new Restarted(cluster, { held: true });
  // Where the one was that has gone; nowhere else are two cpus left.
  await isPlaced(cluster, 'waits', 'a');
  await cluster.create(PodKind, pod('small', 1));
  await isPlaced(cluster, 'small', 'b');
  await cluster.create(PodKind, pod('too-much', 1));
  await vi.waitFor(async () =>
    expect((await find(cluster, 'too-much')).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'PodScheduled', status: 'False' }),
    ),
  );
  expect(scheduler.informers.for(PodKind).hasSynced).toBe(false);
  scheduler.list();
  await vi.waitFor(async () => expect(scheduler.placed).toEqual(await placedIn(cluster)));
  await cluster.resources.delete(PodKind, 'default', 'small', { gracePeriodSeconds: 0 });
  await isPlaced(cluster, 'too-much', 'b');
});

test('nobody has to go before all pods are listed', async () => {
  await using cluster = await filled();
  await cluster.create(PodKind, pod('third', 4));
  await cluster.resources.bind('default', 'third', 'b');
  await using scheduler = new Restarted(cluster, { held: true });
  await cluster.create(PriorityClassKind, { metadata: { name: 'high' }, value: 1000 });
  await cluster.create(PodKind, pod('urgent', 4, { priorityClassName: 'high' }));
  await vi.waitFor(async () =>
    expect((await find(cluster, 'urgent')).status?.conditions).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(/^0 of 2 nodes fit/) }),
    ),
  );
  expect(await cluster.list(PodKind)).toHaveLength(4);
  scheduler.list();
  await isPlaced(cluster, 'urgent');
});

test('a checkpoint of another time or cluster is not taken up, nor one that is not whole', async () => {
  await using cluster = await filled();
  const file = join(folder, 'scheduler-checkpoint');
  const newest = () => {
    const [clock, logger] = [systemClock, silentLogger];
    const given = { file, minPods: 1, intervalMs: 1, clock, logger, store: cluster.store };
    return ['me', 'another'].map((identity) => new Checkpoints({ ...given, identity }).newest());
  };
  expect(await Promise.all(newest())).toEqual([expect.any(Checkpoint), undefined]);
  const value = Buffer.from(JSON.stringify({ id: 'of a later one, or before a backup' }));
  const put = { type: 'put', key: 'scheduling/checkpoints/me', value } as const;
  await cluster.store.transact([], [put]);
  expect(await Promise.all(newest())).toEqual([undefined, undefined]);
});

test('where the store has dropped what happened since, all pods are listed', async () => {
  await using cluster = await filled();
  await cluster.resources.delete(PodKind, 'default', 'first', { gracePeriodSeconds: 0 });
  const { revision } = await cluster.store.range('registry/', { limit: 1 });
  await cluster.store.compact(revision);
  await cluster.create(PodKind, pod('waits', 2));
  await using scheduler = new Restarted(cluster);
  await isPlaced(cluster, 'waits', 'a');
  await vi.waitFor(async () => expect(scheduler.placed).toEqual(await placedIn(cluster)));
});

test('it has begun once all that has happened until now is in the snapshot, however it comes', async () => {
  await using cluster = await filled();
  for (const name of ['first', 'second']) {
    await cluster.resources.delete(PodKind, 'default', name, { gracePeriodSeconds: 0 });
    await cluster.create(PodKind, pod(`after-${name}`, 1));
    await cluster.resources.bind('default', `after-${name}`, 'b');
  }
  const store: Store = {
    ...failingStore(cluster.store, () => 'done'),
    async *watchBatches(prefix, options) {
      for await (const batch of cluster.store.watchBatches(prefix, options)) {
        for (const event of batch) yield [event];
      }
    },
  };
  const snapshot = new Snapshot();
  const stop = new AbortController();
  const ahead = new HeadStart({
    checkpoint: (await Checkpoint.read(join(folder, 'scheduler-checkpoint')))!,
    snapshot,
    objects: new ObjectStore(store),
    changed: (each) => snapshot.setPod(each),
    gone: ({ metadata }) => snapshot.removePod(metadata.uid!),
    clock: systemClock,
    logger: silentLogger,
  });
  expect(await ahead.begin(stop.signal)).toBe(true);
  expect(placesIn(snapshot)).toEqual(await placedIn(cluster));
  stop.abort();
  await ahead.end();
});

test('a term that ends before all pods are listed takes none of them for gone', async () => {
  await using cluster = await filled();
  const scheduler = new Restarted(cluster, { held: true });
  await scheduler.loop.fed;
  await scheduler[Symbol.asyncDispose]();
  expect(scheduler.placed).toEqual(await placedIn(cluster));
  expect(scheduler.placed).toHaveLength(2);
});

test('what a broken watch did not tell is found out when all pods are listed', async () => {
  await using cluster = await filled();
  // The first watch of all, from the checkpoint on, ends as soon as it has come to the present.
  const broken = Promise.withResolvers<never>();
  let watches = 0;
  const store: Store = {
    ...failingStore(cluster.store, () => 'done'),
    async *watchBatches(prefix, options) {
      const isFirst = prefix.includes('/pods/') && (watches += 1) === 1;
      for await (const batch of cluster.store.watchBatches(prefix, options)) {
        yield batch;
        if (isFirst) await broken.promise;
      }
    },
  };
  await cluster.create(PodKind, pod('fits-nowhere', 9));
  await using scheduler = new Restarted(cluster, { held: true, store });
  await scheduler.loop.fed;
  broken.promise.catch(() => {});
  broken.reject(compacted());
  await cluster.resources.delete(PodKind, 'default', 'first', { gracePeriodSeconds: 0 });
  await cluster.resources.delete(PodKind, 'default', 'fits-nowhere', { gracePeriodSeconds: 0 });
  await cluster.create(PodKind, pod('waits', 2));
  scheduler.list();
  await isPlaced(cluster, 'waits', 'a');
  await vi.waitFor(async () => expect(scheduler.placed).toEqual(await placedIn(cluster)));
  const nobody = { active: 0, backoff: 0, unschedulable: 0 };
  await vi.waitFor(() => expect(scheduler.loop.queue.depths).toEqual(nobody));
});

test('a cluster that shrinks below what is worth a checkpoint has none any more', async () => {
  await using cluster = await filled();
  const [clock, logger, store] = [systemClock, silentLogger, cluster.store];
  const file = join(folder, 'scheduler-checkpoint');
  const given = { file, identity: 'me', intervalMs: 3_600_000, clock, logger, store };
  const stop = new AbortController();
  const informers = new Informers(cluster.objects);
  const pods = informers.for(PodKind);
  const informing = informers.run(stop.signal);
  await pods.synced;
  const running = new Checkpoints({ ...given, minPods: 3 }).run(pods, new Snapshot(), stop.signal);
  await vi.waitFor(async () => expect(await Checkpoint.read(file)).toBeUndefined());
  stop.abort(new Error('the test is over'));
  await Promise.all([running, informing]);
});

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('create' as const), cpu: fc.constantFrom(1, 1, 2, 3) }),
    fc.record({ do: fc.constant('delete' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('bind' as const), which: fc.nat(20) }),
  ),
  { minLength: 1, maxLength: 8 },
);

/** Others at work: pods come, go, and are bound by hand. */
async function take(
  cluster: Cluster,
  all: readonly { do: string; cpu?: number; which?: number }[],
) {
  for (const { do: what, cpu = 1, which = 0 } of all) {
    const pods = await cluster.list(PodKind);
    const name = pods[which % Math.max(1, pods.length)]?.metadata.name;
    if (what === 'create') await cluster.create(PodKind, pod(`p${crypto.randomUUID()}`, cpu));
    else if (name === undefined) continue;
    else if (what === 'bind') await cluster.resources.bind('default', name, 'b').catch(() => {});
    else await cluster.resources.delete(PodKind, 'default', name, { gracePeriodSeconds: 0 });
  }
}

test('from whatever revision changes are told, the snapshot comes to the present and nothing is overcommitted', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, steps, async (before, within, after) => {
      await using cluster = await startCluster();
      {
        await using scheduler = new Restarted(cluster);
        await scheduler.loop.fed;
        await take(cluster, before);
        // What happens while a checkpoint is written may be in it or not.
        const { revision } = await cluster.store.range('registry/', { limit: 1 });
        await take(cluster, within);
        await write(cluster, scheduler, String(revision));
      }
      await take(cluster, after);
      await using scheduler = new Restarted(cluster, { held: true });
      await scheduler.loop.fed;
      await cluster.create(PodKind, pod('marker', 0));
      await isPlaced(cluster, 'marker');
      await vi.waitFor(
        async () => expect(scheduler.placed).toEqual(await placedIn(cluster)),
        5_000,
      );
      scheduler.list();
      await vi.waitFor(
        async () => expect(scheduler.placed).toEqual(await placedIn(cluster)),
        5_000,
      );
      const pods = await cluster.list(PodKind);
      for (const node of ['a', 'b']) {
        const there = pods.filter(({ spec }) => spec.nodeName === node);
        const cpus = there.map(({ spec }) =>
          Number(spec.containers[0]!.resources!.requests!['cpu']),
        );
        expect(cpus.reduce((sum, cpu) => sum + cpu, 0)).toBeLessThanOrEqual(4);
      }
    }),
    { numRuns: 12 },
  );
});
