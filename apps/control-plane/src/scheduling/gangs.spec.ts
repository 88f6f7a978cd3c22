import { expect, test, vi } from 'vitest';
import {
  EventKind,
  NamespaceKind,
  PodGroupKind,
  podGroupLabel,
  PodKind,
  PriorityClassKind,
  type Pod,
} from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { TestCluster } from '../controllers/testing/cluster.js';
import { whySubresource } from './why.js';

type Cluster = TestCluster<HollowNodes>;

const startCluster = () =>
  new TestCluster({ nodes: (objects) => new HollowNodes({ objects }) }).start();

const group = (name: string, minMember: number, more: object = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { minMember, ...more },
});
const pod = (name: string, cpu: string, gang?: string, more: object = {}) => ({
  metadata: {
    name,
    namespace: 'default',
    ...(gang ? { labels: { [podGroupLabel]: gang } } : {}),
  },
  spec: {
    containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu } } }],
    ...more,
  },
});

const get = (cluster: Cluster, name: string): Promise<Pod> =>
  cluster.resources.get(PodKind, 'default', name);

const bound = async (cluster: Cluster) =>
  (await cluster.list(PodKind)).flatMap((p) => (p.spec.nodeName ? p.metadata.name! : [])).sort();

async function waitsFor(cluster: Cluster, name: string, message: string | RegExp): Promise<void> {
  await vi.waitFor(async () =>
    expect((await get(cluster, name)).status?.conditions?.[0]?.message).toMatch(message),
  );
}

test('members wait for the group and for each other, then start together', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  await cluster.create(PodKind, pod('g-0', '1', 'g'));
  await waitsFor(cluster, 'g-0', 'waits for its group default/g, which does not exist');
  await cluster.create(PodGroupKind, group('g', 3));
  await cluster.create(PodKind, pod('g-1', '1', 'g'));
  await cluster.create(PodKind, pod('alone', '1'));
  await vi.waitFor(async () => expect(await bound(cluster)).toEqual(['alone']));
  await waitsFor(cluster, 'g-1', 'waits for its group default/g: 2 of 3 members are there');
  const why = whySubresource({ resources: cluster.resources, leading: () => cluster.loop });
  const answer = await why.handle({ method: 'GET', namespace: 'default', name: 'g-1' } as never);
  expect((answer as { json: object }).json).toMatchObject({
    message: 'waits for its group default/g: 2 of 3 members are there',
  });
  await cluster.create(PodKind, pod('g-2', '1', 'g'));
  await vi.waitFor(async () =>
    expect(await bound(cluster)).toEqual(['alone', 'g-0', 'g-1', 'g-2']),
  );
  const { items } = await cluster.resources.list(PodGroupKind, { namespace: 'default' });
  await vi.waitFor(async () => {
    const now = await cluster.resources.get(PodGroupKind, 'default', items[0]!.metadata.name!);
    expect(now.status).toMatchObject({ phase: 'Running', members: 3, scheduled: 3, running: 3 });
  });
});

test('a group that does not fit as a whole holds nothing, says so, and starts when there is room', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a', allocatable: { cpu: '4' } });
  await cluster.create(PodGroupKind, group('g', 3));
  for (const i of [0, 1, 2]) await cluster.create(PodKind, pod(`g-${i}`, '2', 'g'));
  await waitsFor(
    cluster,
    'g-0',
    /^group default\/g needs 3 places at once and finds 2; for the next one, 0 of 1 node fits/,
  );
  await cluster.create(PodKind, pod('large', '4'));
  await vi.waitFor(async () => expect(await bound(cluster)).toEqual(['large']));
  await cluster.nodes.connect({ name: 'b', allocatable: { cpu: '8' } });
  await vi.waitFor(
    async () => expect(await bound(cluster)).toEqual(['g-0', 'g-1', 'g-2', 'large']),
    { timeout: 5_000 },
  );
});

test('two groups that compete for the same room do not keep each other waiting', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a', allocatable: { cpu: '3' } });
  for (const name of ['x', 'y']) await cluster.create(PodGroupKind, group(name, 3));
  // Their members come by turns, so that each of them could take some of the room.
  for (const i of [0, 1, 2]) {
    for (const name of ['x', 'y']) await cluster.create(PodKind, pod(`${name}-${i}`, '1', name));
  }
  await vi.waitFor(async () => expect(await bound(cluster)).toHaveLength(3));
  const first = (await bound(cluster))[0]![0]!;
  expect(await bound(cluster)).toEqual([0, 1, 2].map((i) => `${first}-${i}`));
  for (const i of [0, 1, 2]) await cluster.resources.delete(PodKind, 'default', `${first}-${i}`);
  const second = first === 'x' ? 'y' : 'x';
  await vi.waitFor(
    async () => expect(await bound(cluster)).toEqual([0, 1, 2].map((i) => `${second}-${i}`)),
    { timeout: 10_000 },
  );
});

test('a group that loses a member while it waits for room waits for the member again', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a', allocatable: { cpu: '1' } });
  await cluster.create(PodGroupKind, group('g', 2));
  for (const i of [0, 1]) await cluster.create(PodKind, pod(`g-${i}`, '1', 'g'));
  await waitsFor(cluster, 'g-0', /^group default\/g needs 2 places at once and finds 1/);
  await cluster.resources.delete(PodKind, 'default', 'g-1');
  await waitsFor(cluster, 'g-0', 'waits for its group default/g: 1 of 2 members are there');
  await cluster.create(PodKind, pod('alone', '1'));
  await vi.waitFor(async () => expect(await bound(cluster)).toEqual(['alone']));
});

test('a group takes the place of less important pods as a whole, or of none', async () => {
  await using cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects, delayMs: () => 100 }),
  }).start();
  for (const [name, value] of [
    ['low', 1],
    ['high', 10],
  ] as const) {
    await cluster.create(PriorityClassKind, { metadata: { name }, value });
  }
  for (const name of ['a', 'b']) await cluster.nodes.connect({ name, allocatable: { cpu: '2' } });
  const priority = (priorityClassName: string) => ({ priorityClassName });
  for (const name of ['low-0', 'low-1']) {
    await cluster.create(PodKind, pod(name, '2', undefined, priority('low')));
  }
  await vi.waitFor(async () => expect(await bound(cluster)).toEqual(['low-0', 'low-1']));
  // Too large to fit even if all others went: nobody goes.
  await cluster.create(PodGroupKind, group('vast', 3));
  for (const i of [0, 1, 2]) {
    await cluster.create(PodKind, pod(`vast-${i}`, '2', 'vast', priority('high')));
  }
  await waitsFor(cluster, 'vast-0', /^group default\/vast needs 3 places at once and finds 0/);
  expect(await bound(cluster)).toEqual(['low-0', 'low-1']);
  for (const i of [0, 1, 2]) await cluster.resources.delete(PodKind, 'default', `vast-${i}`);
  await cluster.create(PodGroupKind, group('g', 2));
  for (const i of [0, 1]) {
    await cluster.create(PodKind, pod(`g-${i}`, '2', 'g', priority('high')));
  }
  await vi.waitFor(async () => expect(await bound(cluster)).toEqual(['g-0', 'g-1']), {
    timeout: 10_000,
  });
  await vi.waitFor(async () => {
    const messages = (await cluster.list(EventKind)).map(({ message }) => message);
    const told = /^the group preempts default\/low-., default\/low-. and waits for them to end/;
    expect(messages).toContainEqual(expect.stringMatching(told));
    expect(messages).toContainEqual(expect.stringMatching(/^Preempted by pod default\/g-/));
  });
});

test('a group says when it has waited for longer than its limit', async () => {
  await using cluster = await startCluster();
  await cluster.create(PodGroupKind, group('g', 2, { scheduleTimeoutSeconds: 1 }));
  await cluster.create(PodKind, pod('g-0', '1', 'g'));
  await vi.waitFor(
    async () => {
      const { status } = await cluster.resources.get(PodGroupKind, 'default', 'g');
      expect(status?.conditions).toContainEqual(
        expect.objectContaining({
          type: 'Scheduled',
          status: 'False',
          reason: 'TimedOut',
          message: '1 of 2 members are there',
        }),
      );
    },
    { timeout: 5_000 },
  );
});

test('a tenant with many pods does not stand before another with few; weights count', async () => {
  await using cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
    scheduling: false,
  }).start();
  await cluster.resources.mutate(NamespaceKind, undefined, 'other', (namespace) => {
    namespace.metadata.annotations = { 'gantry.dev/scheduling-weight': '2' };
    return namespace;
  });
  const create = (namespace: string, name: string) =>
    cluster.create(PodKind, {
      metadata: { name, namespace },
      spec: {
        containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu: '1' } } }],
      },
    });
  for (let i = 0; i < 60; i++) await create('default', `crowd-${i}`);
  for (let i = 0; i < 10; i++) await create('other', `few-${i}`);
  await cluster.nodes.connect({ name: 'n', allocatable: { cpu: '12' } });
  const stopping = new AbortController();
  const scheduling = cluster.loop.run(stopping.signal);
  const placed = async () => (await cluster.list(PodKind)).filter((p) => p.spec.nodeName);
  try {
    await vi.waitFor(async () => expect(await placed()).toHaveLength(12), { timeout: 10_000 });
  } finally {
    stopping.abort();
    await scheduling;
  }
  const few = (await placed()).filter(({ metadata }) => metadata.namespace === 'other');
  expect(few).toHaveLength(8);
});
