import { expect, test, vi } from 'vitest';
import {
  EventKind,
  PodDisruptionBudgetKind,
  PodKind,
  PriorityClassKind,
  type Pod,
} from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { TestCluster } from '../controllers/testing/cluster.js';
import { whySubresource } from './why.js';

type Cluster = TestCluster<HollowNodes>;

/** Nodes a and b with 2 cpus each, whose pods take `endMs` to end; classes `low` and `high`. */
async function startCluster(endMs = 0): Promise<Cluster> {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects, delayMs: () => endMs }),
  }).start();
  for (const [name, value] of [
    ['low', 1],
    ['mid', 5],
    ['high', 10],
  ] as const) {
    await cluster.create(PriorityClassKind, { metadata: { name }, value });
  }
  for (const name of ['a', 'b']) {
    await cluster.nodes.connect({ name, allocatable: { cpu: '2' } });
  }
  return cluster;
}

const pod = (name: string, cpu: string, priorityClassName?: string, more: object = {}) => ({
  metadata: { name, namespace: 'default', labels: { app: name.split('-')[0] } },
  spec: {
    containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu } } }],
    ...(priorityClassName ? { priorityClassName } : {}),
    ...more,
  },
});

const get = (cluster: Cluster, name: string): Promise<Pod> =>
  cluster.resources.get(PodKind, 'default', name);

async function running(cluster: Cluster, ...pods: ReturnType<typeof pod>[]): Promise<void> {
  for (const each of pods) {
    await cluster.create(PodKind, each);
    await vi.waitFor(
      async () => expect((await get(cluster, each.metadata.name)).status?.phase).toBe('Running'),
      { timeout: 10_000 },
    );
  }
}

const names = async (cluster: Cluster) =>
  (await cluster.list(PodKind)).map((p) => p.metadata.name).sort();

test('takes the fewest and least important pods away, tells them so, and moves in', async () => {
  await using cluster = await startCluster(300);
  await running(cluster, pod('small-1', '1', 'low'), pod('small-2', '1', 'low'));
  await running(cluster, pod('large', '2', 'low'));
  await cluster.create(PodKind, pod('boss', '2', 'high'));
  await vi.waitFor(async () => {
    const { status } = await get(cluster, 'boss');
    expect(status?.nominatedNodeName).toBeDefined();
    expect(status?.conditions?.[0]?.message).toMatch(/^preempts default\/large on (a|b) and waits/);
  });
  const victim = await get(cluster, 'large');
  expect(victim.status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', reason: 'PreemptionByScheduler' }),
  );
  expect(victim.metadata.deletionGracePeriodSeconds).toBe(30);
  await vi.waitFor(async () => {
    expect((await get(cluster, 'boss')).spec.nodeName).toBe(victim.spec.nodeName);
  });
  expect(await names(cluster)).toEqual(['boss', 'small-1', 'small-2']);
  expect((await get(cluster, 'boss')).status?.nominatedNodeName).toBeUndefined();
  await vi.waitFor(async () => {
    const events = await cluster.list(EventKind);
    const about = events.find(({ reason }) => reason === 'Preempted');
    expect(about?.message).toBe(`Preempted by pod default/boss on node ${victim.spec.nodeName}`);
    expect(about?.involvedObject?.name).toBe('large');
  });
});

test('while its victims end nobody else moves in, and no one is preempted twice', async () => {
  await using cluster = await startCluster(600);
  await running(cluster, pod('one', '2', 'low'), pod('two', '2', 'mid'));
  await cluster.create(PodKind, pod('boss', '2', 'high'));
  await vi.waitFor(async () => {
    expect((await get(cluster, 'boss')).status?.nominatedNodeName).toBeDefined();
  });
  await cluster.create(PodKind, pod('thief', '2', 'low'));
  await vi.waitFor(
    async () => {
      expect((await get(cluster, 'boss')).spec.nodeName).toBeDefined();
    },
    { timeout: 5_000 },
  );
  expect(await names(cluster)).toEqual(['boss', 'thief', 'two']);
  expect((await get(cluster, 'thief')).spec.nodeName).toBeUndefined();
  expect((await get(cluster, 'two')).metadata.deletionTimestamp).toBeUndefined();
});

test('a pod that may not preempt waits', async () => {
  await using cluster = await startCluster();
  await running(cluster, pod('one', '2', 'low'), pod('two', '2', 'low'));
  await cluster.create(PodKind, pod('meek', '2', undefined, { priorityClassName: undefined }));
  const policy = { metadata: { name: 'patient' }, value: 50, preemptionPolicy: 'Never' };
  await cluster.create(PriorityClassKind, policy);
  await cluster.create(PodKind, pod('patient', '2', 'patient'));
  for (const name of ['meek', 'patient']) {
    await vi.waitFor(async () =>
      expect((await get(cluster, name)).status?.conditions?.[0]).toMatchObject({
        reason: 'Unschedulable',
        message: expect.stringMatching(/^0 of 2 nodes fit/),
      }),
    );
  }
  expect(await names(cluster)).toEqual(['meek', 'one', 'patient', 'two']);
});

test('spares pods whose budget has nothing left, if others do', async () => {
  await using cluster = await startCluster();
  await running(cluster, pod('guarded-1', '2', 'low'), pod('free-1', '2', 'mid'));
  await cluster.create(PodDisruptionBudgetKind, {
    metadata: { name: 'b', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } },
  });
  await cluster.create(PodKind, pod('boss', '2', 'high'));
  await vi.waitFor(async () => expect(await names(cluster)).toEqual(['boss', 'guarded-1']));
});

test('why tells whom a pod preempts, and a preempted pod for whom', async () => {
  await using cluster = await startCluster(1_000);
  await running(cluster, pod('one', '2', 'low'), pod('two', '2', 'mid'));
  await cluster.create(PodKind, pod('boss', '2', 'high'));
  const why = whySubresource({ resources: cluster.resources, leading: () => cluster.loop });
  const ask = async (name: string) => {
    const answer = await why.handle({ method: 'GET', namespace: 'default', name } as never);
    return (answer as { json: { message: string } }).json.message;
  };
  await vi.waitFor(async () => {
    expect(await ask('boss')).toMatch(/^nominated to (a|b): preempts default\/one on/);
    expect(await ask('one')).toMatch(/is being taken away from (a|b): .*default\/boss on/);
  });
});

test('a more important pod takes over what was cleared for a less important one', async () => {
  await using cluster = await startCluster(500);
  await running(cluster, pod('one', '2', 'low'), pod('two', '2', 'high'));
  await cluster.create(PodKind, pod('second', '2', 'mid'));
  await vi.waitFor(async () => {
    expect((await get(cluster, 'second')).status?.nominatedNodeName).toBeDefined();
  });
  await cluster.create(PodKind, pod('first', '2', 'high'));
  await vi.waitFor(
    async () => {
      expect((await get(cluster, 'first')).spec.nodeName).toBeDefined();
    },
    { timeout: 5_000 },
  );
  await vi.waitFor(async () => {
    expect((await get(cluster, 'second')).status?.nominatedNodeName).toBeUndefined();
  });
  expect(await names(cluster)).toEqual(['first', 'second', 'two']);
});

test('of equal pods one that may not preempt does not keep another from it', async () => {
  await using cluster = await startCluster();
  await running(cluster, pod('one', '2', 'low'), pod('two', '2', 'low'));
  await cluster.create(PriorityClassKind, {
    metadata: { name: 'polite' },
    value: 10,
    preemptionPolicy: 'Never',
  });
  // Equal but for the policy, and decided on in the same state of the cluster.
  const polite = pod('boss-0', '2', 'polite');
  const bold = pod('boss-1', '2', 'high');
  await cluster.create(PodKind, polite);
  await vi.waitFor(async () =>
    expect((await get(cluster, 'boss-0')).status?.conditions?.[0]?.message).toContain('cpu'),
  );
  await cluster.create(PodKind, bold);
  await vi.waitFor(async () => expect((await get(cluster, 'boss-1')).spec.nodeName).toBeDefined(), {
    timeout: 10_000,
  });
  expect((await get(cluster, 'boss-0')).spec.nodeName).toBeUndefined();
});
