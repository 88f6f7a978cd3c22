import { expect, test, vi } from 'vitest';
import {
  EventKind,
  NodeKind,
  overcommitLabel,
  PodKind,
  reclaimableAnnotation,
  type Pod,
} from '@gantry/api';
import { silentLogger } from '@gantry/base';
import { overcommitLabel as schedulersLabel } from '@gantry/scheduler';
import { HollowNodes, ManualClock } from '@gantry/testing';
import { TestCluster } from '../controllers/testing/cluster.js';
import { Metering } from './metering.js';
import { ReclaimableOffers } from './reclaimable-offers.js';

type Heartbeat = Parameters<Metering['record']>[1];
type Cluster = TestCluster<HollowNodes>;

const gib = 2 ** 30;

/** Cumulative use: cores are nanoseconds in each second. */
function heartbeat(seconds: number, cores: number, memoryBytes: number, pods: object = {}) {
  const cpuUsageNanos = seconds * cores * 1e9;
  return {
    node: { cpuUsageNanos, memoryWorkingSetBytes: memoryBytes },
    pods: Object.entries(pods).map(([uid, [own, bytes]]) => ({
      uid,
      containers: [{ name: 'c', cpuUsageNanos: seconds * own * 1e9, memoryWorkingSetBytes: bytes }],
    })),
  } as unknown as Heartbeat;
}

const pod = (name: string, cpu: string, memory: string, labels: object = {}) => ({
  metadata: { name, namespace: 'default', labels },
  spec: { containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu, memory } } }] },
});
const reclaimable = { [overcommitLabel]: 'reclaimable' };
const get = (cluster: Cluster, name: string): Promise<Pod> =>
  cluster.resources.get(PodKind, 'default', name);

async function start() {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
  }).start();
  const metering = new Metering();
  const { informers, resources } = cluster.context;
  const offers = new ReclaimableOffers({
    metering,
    informers,
    resources,
    clock: new ManualClock(),
    logger: silentLogger,
  });
  let seconds = 0;
  const use = async (cores: number, memoryBytes: number, pods: object = {}) => {
    metering.record('n', heartbeat(seconds, cores, memoryBytes, pods), seconds * 1_000);
    seconds += 10;
    metering.record('n', heartbeat(seconds, cores, memoryBytes, pods), seconds * 1_000);
    await offers.look();
  };
  const annotation = async () => {
    const { metadata } = await cluster.resources.get(NodeKind, undefined, 'n');
    return metadata.annotations?.[reclaimableAnnotation];
  };
  await cluster.nodes.connect({ name: 'n', allocatable: { cpu: '10', memory: '10Gi' } });
  return { cluster, use, annotation };
}

test('API and scheduler speak of the same label', () => {
  expect(overcommitLabel).toBe(schedulersLabel);
});

test('nothing is written until somebody asks for what others leave', async () => {
  const { cluster, use, annotation } = await start();
  await using _ = cluster;
  await use(2, 2 * gib);
  expect(await annotation()).toBeUndefined();
});

test('runs in what an owner reserved and does not use, and goes when the owner needs it back', async () => {
  const { cluster, use, annotation } = await start();
  await using _ = cluster;
  await cluster.create(PodKind, pod('owner', '10', '10Gi'));
  await vi.waitFor(async () => expect((await get(cluster, 'owner')).spec.nodeName).toBe('n'));
  await cluster.create(PodKind, pod('batch-1', '3', '1Gi', reclaimable));
  await vi.waitFor(async () =>
    expect((await get(cluster, 'batch-1')).status?.conditions?.[0]?.message).toContain(
      'no reclaimable cpu',
    ),
  );
  await use(2, 2 * gib);
  expect(JSON.parse((await annotation())!)).toEqual({ cpu: '7000m', memory: expect.any(String) });
  await vi.waitFor(async () => expect((await get(cluster, 'batch-1')).spec.nodeName).toBe('n'), {
    timeout: 5_000,
  });
  await cluster.create(PodKind, pod('batch-2', '3', '1Gi', reclaimable));
  await vi.waitFor(async () => expect((await get(cluster, 'batch-2')).spec.nodeName).toBe('n'));
  // What reclaimable pods use themselves is not what owners use.
  const [one, two] = [await get(cluster, 'batch-1'), await get(cluster, 'batch-2')];
  const own = { [one.metadata.uid!]: [3, gib], [two.metadata.uid!]: [3, gib] };
  await use(8, 4 * gib, own);
  expect(JSON.parse((await annotation())!)).toMatchObject({ cpu: '7000m' });
  await use(10, 6 * gib, { [one.metadata.uid!]: [2, gib], [two.metadata.uid!]: [3, gib] });
  await vi.waitFor(async () => {
    const names = (await cluster.list(PodKind)).map((p) => p.metadata.name).sort();
    expect(names).toHaveLength(2);
    expect(names).toContain('owner');
  });
  await vi.waitFor(async () => {
    const reasons = (await cluster.list(EventKind)).map((event) => event.reason);
    expect(reasons).toContain('Reclaimed');
  });
});

test('a node that is short of memory takes everything back, and owners stay', async () => {
  const { cluster, use } = await start();
  await using _ = cluster;
  await cluster.create(PodKind, pod('owner', '1', '1Gi'));
  await cluster.create(PodKind, pod('batch', '1', '1Gi', reclaimable));
  await vi.waitFor(() => expect(cluster.context.informers.for(PodKind).list()).toHaveLength(2));
  await use(1, gib);
  await vi.waitFor(async () => expect((await get(cluster, 'batch')).spec.nodeName).toBe('n'), {
    timeout: 5_000,
  });
  await cluster.objects.mutate(NodeKind, undefined, 'n', (node) => ({
    ...node,
    status: {
      ...node.status,
      conditions: [
        { type: 'Ready', status: 'True' as const },
        { type: 'MemoryPressure', status: 'True' as const },
      ],
    },
  }));
  await vi.waitFor(async () => {
    await use(1, gib);
    expect((await cluster.list(PodKind)).map((p) => p.metadata.name)).toEqual(['owner']);
  });
});

test('the label has one value and stands for good', async () => {
  const { cluster } = await start();
  await using _ = cluster;
  const other = { [overcommitLabel]: 'sometimes' };
  await expect(cluster.create(PodKind, pod('p', '1', '1Gi', other))).rejects.toThrow('Unsupported');
  await cluster.create(PodKind, pod('q', '1', '1Gi'));
  const change = cluster.resources.mutate(PodKind, 'default', 'q', (current) => {
    current.metadata.labels = reclaimable;
    return current;
  });
  await expect(change).rejects.toThrow('field is immutable');
});
