import { expect, test, vi } from 'vitest';
import { PodKind, type Pod } from '@gantry/api';
import { systemClock, type Clock } from '@gantry/base';
import { HollowNodes, ManualClock } from '@gantry/testing';
import { TestCluster } from '../controllers/testing/cluster.js';
import {
  exchangeGate,
  exchangeWithAnnotation,
  keepsRoomAnnotation,
  preferredNodeAnnotation,
  replacesAnnotation,
} from '../rebalancing/relocations.js';

type Cluster = TestCluster<HollowNodes>;

const pod = (name: string, cpu: string, annotations: object = {}, more: object = {}) => ({
  metadata: { name, namespace: 'default', annotations },
  spec: {
    containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu } } }],
    terminationGracePeriodSeconds: 0,
    ...more,
  },
});

const nodeOf = async (cluster: Cluster, name: string) =>
  (await cluster.resources.get<Pod>(PodKind, 'default', name)).spec.nodeName;

const binds = (cluster: Cluster, name: string, node = 'a') =>
  vi.waitFor(async () => expect(await nodeOf(cluster, name)).toBe(node), { timeout: 10_000 });

/** One node of 2 cpus, taken by a pod that is about to make way, while another waits for its room. */
async function taken(clock: Clock = systemClock): Promise<{ cluster: Cluster; first: Pod }> {
  const cluster = await new TestCluster({
    clock,
    nodes: (objects) => new HollowNodes({ objects }),
    controllers: false,
  }).start();
  await cluster.nodes.connect({ name: 'a', allocatable: { cpu: '2' } });
  await cluster.create(PodKind, pod('first', '2', { [keepsRoomAnnotation]: 'a' }));
  await binds(cluster, 'first');
  await cluster.create(PodKind, pod('waits', '2'));
  const first = await cluster.resources.get<Pod>(PodKind, 'default', 'first');
  return { cluster, first };
}

/** Shows that all which happened before has been seen and decided upon. */
async function marker(cluster: Cluster, name: string): Promise<void> {
  await cluster.create(PodKind, pod(name, '0'));
  await binds(cluster, name);
}

test('the room of a pod that made way is kept until its replacement keeps it, and then by that', async () => {
  const { cluster, first } = await taken();
  await using _ = cluster;
  await cluster.resources.delete(PodKind, 'default', 'first', { gracePeriodSeconds: 0 });
  await marker(cluster, 'after-the-end');
  expect(await nodeOf(cluster, 'waits')).toBeUndefined();
  const annotations = { [replacesAnnotation]: first.metadata.uid!, [keepsRoomAnnotation]: 'a' };
  const schedulingGates = [{ name: exchangeGate }];
  await cluster.create(PodKind, pod('second', '2', annotations, { schedulingGates }));
  await marker(cluster, 'after-its-replacement');
  expect(await nodeOf(cluster, 'waits')).toBeUndefined();
  await cluster.resources.delete(PodKind, 'default', 'second', { gracePeriodSeconds: 0 });
  await binds(cluster, 'waits');
});

test('a new leader keeps the room that a replacement kept before', async () => {
  await using cluster = new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
    controllers: false,
  });
  await cluster.nodes.connect({ name: 'a', allocatable: { cpu: '2' } });
  const annotations = { [replacesAnnotation]: 'gone', [keepsRoomAnnotation]: 'a' };
  const gated = { schedulingGates: [{ name: exchangeGate }] };
  for (const each of [pod('second', '2', annotations, gated), pod('waits', '2')]) {
    await cluster.objects.create(PodKind, each as unknown as Pod);
  }
  await cluster.start();
  await marker(cluster, 'after-the-start');
  expect(await nodeOf(cluster, 'waits')).toBeUndefined();
  await cluster.resources.delete(PodKind, 'default', 'second', { gracePeriodSeconds: 0 });
  await binds(cluster, 'waits');
});

test('a room that nobody comes to keep is free after a while', async () => {
  const clock = new ManualClock(Date.now());
  const { cluster } = await taken(clock);
  await using _ = cluster;
  await cluster.resources.delete(PodKind, 'default', 'first', { gracePeriodSeconds: 0 });
  await marker(cluster, 'after-the-end');
  clock.advance(29_000);
  await marker(cluster, 'a-little-later');
  expect(await nodeOf(cluster, 'waits')).toBeUndefined();
  clock.advance(1_000);
  await binds(cluster, 'waits');
});

test('a replacement that does not wait has the room itself', async () => {
  const { cluster, first } = await taken();
  await using _ = cluster;
  await cluster.resources.delete(PodKind, 'default', 'first', { gracePeriodSeconds: 0 });
  const annotations = { [replacesAnnotation]: first.metadata.uid! };
  const priority = { priorityClassName: 'system-node-critical' };
  await cluster.create(PodKind, pod('second', '1', annotations, priority));
  await binds(cluster, 'second');
});

/**
 * Nodes a and b of 2 cpus: `leaves` of b is to change places with one that has left a, in whose place `gated`
 * waits, while another waits for any room.
 */
async function exchanging(clock: Clock): Promise<{ cluster: Cluster; uid: string }> {
  const cluster = await new TestCluster({
    clock,
    nodes: (objects) => new HollowNodes({ objects }),
    controllers: false,
  }).start();
  await cluster.nodes.connect({ name: 'b', allocatable: { cpu: '2' } });
  await cluster.create(PodKind, pod('leaves', '2'));
  await binds(cluster, 'leaves', 'b');
  const { metadata } = await cluster.resources.get<Pod>(PodKind, 'default', 'leaves');
  const annotations = {
    [replacesAnnotation]: 'gone',
    [keepsRoomAnnotation]: 'a',
    [exchangeWithAnnotation]: metadata.uid!,
    [preferredNodeAnnotation]: 'b',
  };
  const schedulingGates = [{ name: exchangeGate }];
  await cluster.create(PodKind, pod('gated', '2', annotations, { schedulingGates }));
  await cluster.nodes.connect({ name: 'a', allocatable: { cpu: '2' } });
  await cluster.create(PodKind, pod('waits', '2'));
  await cluster.resources.delete(PodKind, 'default', 'leaves', { gracePeriodSeconds: 0 });
  await settled(cluster, 'after-the-end');
  return { cluster, uid: metadata.uid! };
}

/** As `marker`, on whichever node. */
async function settled(cluster: Cluster, name: string): Promise<void> {
  await cluster.create(PodKind, pod(name, '0'));
  await vi.waitFor(async () => expect(await nodeOf(cluster, name)).toBeDefined(), {
    timeout: 10_000,
  });
}

const steps = {
  async replaced(cluster: Cluster, uid: string): Promise<void> {
    const annotations = { [replacesAnnotation]: uid, [preferredNodeAnnotation]: 'a' };
    await cluster.create(PodKind, pod('replaces', '2', annotations));
    await binds(cluster, 'replaces', 'a');
  },
  async released(cluster: Cluster): Promise<void> {
    await cluster.resources.mutate<Pod>(PodKind, 'default', 'gated', (gated) => ({
      ...gated,
      spec: { ...gated.spec, schedulingGates: [] },
    }));
    await binds(cluster, 'gated', 'b');
  },
};

test.each<[keyof typeof steps, keyof typeof steps]>([
  ['replaced', 'released'],
  ['released', 'replaced'],
])(
  'both rooms of an exchange are kept when the second pod has ended: %s, then %s',
  async (...order) => {
    const clock = new ManualClock(Date.now());
    const { cluster, uid } = await exchanging(clock);
    await using _ = cluster;
    // Who waits is tried again each time.
    clock.advance(10_000);
    await settled(cluster, 'a-little-later');
    expect(await nodeOf(cluster, 'waits')).toBeUndefined();
    for (const step of order) {
      await steps[step](cluster, uid);
      clock.advance(2_000);
      await settled(cluster, `after-it-is-${step}`);
      expect(await nodeOf(cluster, 'waits')).toBeUndefined();
    }
  },
);

test('nor does a room of an exchange stay empty for long when nothing comes in place of the second', async () => {
  const clock = new ManualClock(Date.now());
  const { cluster } = await exchanging(clock);
  await using _ = cluster;
  clock.advance(29_000);
  await settled(cluster, 'a-little-later');
  expect(await nodeOf(cluster, 'waits')).toBeUndefined();
  clock.advance(1_000);
  await binds(cluster, 'waits', 'a');
});
