import { expect, test, vi } from 'vitest';
import { EventKind, NodeKind, PodKind, type Pod } from '@gantry/api';
import { Scheduler, Snapshot, type Decision, type PodHandle } from '@gantry/scheduler';
import { HollowNodes } from '@gantry/testing';
import { TestCluster } from '../controllers/testing/cluster.js';
import { whySubresource } from './why.js';

const pod = (name: string, requests: object = {}, spec: object = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'web:1', resources: { requests } }], ...spec },
});

const startCluster = () =>
  new TestCluster({ nodes: (objects) => new HollowNodes({ objects }) }).start();

const get = (cluster: TestCluster<HollowNodes>, name: string): Promise<Pod> =>
  cluster.resources.get(PodKind, 'default', name);

test('binds a pending pod, says so in condition and event, and packs the next beside it', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  await cluster.nodes.connect({ name: 'b' });
  for (const name of ['p', 'q']) await cluster.create(PodKind, pod(name, { cpu: '1' }));
  await vi.waitFor(async () => {
    const nodes = [await get(cluster, 'p'), await get(cluster, 'q')].map((p) => p.spec.nodeName);
    expect(nodes).toEqual(['a', 'a']);
  });
  const { status } = await get(cluster, 'p');
  expect(status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'PodScheduled', status: 'True' }),
  );
  await vi.waitFor(async () => {
    const messages = (await cluster.list(EventKind)).map((event) => event.message);
    expect(messages).toContain('Successfully assigned default/p to a');
  });
});

test('a pod that fits nowhere says why, and is placed as soon as a node has room', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a', allocatable: { memory: '1Gi' } });
  await cluster.create(PodKind, pod('big', { memory: '2Gi' }));
  const sentence =
    '0 of 1 node fits: 1 has too little memory (largest free 1Gi on a, 2Gi asked); lower the memory request to 1Gi';
  await vi.waitFor(async () => {
    expect((await get(cluster, 'big')).status?.conditions).toContainEqual(
      expect.objectContaining({ status: 'False', reason: 'Unschedulable', message: sentence }),
    );
    const events = await cluster.list(EventKind);
    expect(events).toContainEqual(
      expect.objectContaining({ reason: 'FailedScheduling', message: sentence, type: 'Warning' }),
    );
  });
  await cluster.nodes.connect({ name: 'b', allocatable: { memory: '4Gi' } });
  await vi.waitFor(async () => expect((await get(cluster, 'big')).spec.nodeName).toBe('b'), {
    timeout: 5_000,
  });
});

test('pods that share devices are told which is theirs', async () => {
  await using cluster = await startCluster();
  const [gpu, share] = ['example.com/gpu', 'example.com/gpu-milli'];
  await cluster.nodes.connect({ name: 'a', allocatable: { [gpu]: '2', [share]: '2k' } });
  for (const name of ['p', 'q', 'r']) {
    const asked = pod(name);
    asked.spec.containers[0]!.resources = { limits: { [share]: '500' } } as never;
    await cluster.create(PodKind, asked);
    await vi.waitFor(async () => expect((await get(cluster, name)).spec.nodeName).toBe('a'));
  }
  const devices = [];
  for (const name of ['p', 'q', 'r']) {
    devices.push((await get(cluster, name)).metadata.annotations?.['gantry.dev/devices']);
  }
  expect(devices).toEqual([`{"${gpu}":[0]}`, `{"${gpu}":[0]}`, `{"${gpu}":[1]}`]);
});

test('a hundred pods fill ten nodes without overcommitting any, whatever else writes to them', async () => {
  await using cluster = await startCluster();
  for (let i = 0; i < 10; i++) {
    await cluster.nodes.connect({ name: `n${i}`, allocatable: { cpu: '5' } });
  }
  const names = Array.from({ length: 100 }, (_, i) => `p${i}`);
  await Promise.all(
    names.map(async (name, i) => {
      await cluster.create(PodKind, pod(name, { cpu: '500m' }));
      // A writer that races with the binding: the pod is decided on anew, never bound twice.
      if (i % 3 > 0) return;
      await cluster.resources.mutate(PodKind, 'default', name, (current) => {
        current.metadata.labels = { touched: 'yes' };
        return current;
      });
    }),
  );
  await vi.waitFor(
    async () => {
      const nodes = (await cluster.list(PodKind)).map((p) => p.spec.nodeName);
      const counts = Map.groupBy(nodes, (node) => node);
      expect([...counts.values()].map((group) => group.length)).toEqual(
        Array.from({ length: 10 }, () => 10),
      );
    },
    { timeout: 10_000 },
  );
  const touched = (await cluster.list(PodKind)).filter((p) => p.metadata.labels?.['touched']);
  expect(touched).toHaveLength(34);
});

test('why tells of pending, running and gated pods, on the leader and on a follower', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  await cluster.create(PodKind, pod('big', { cpu: '8' }));
  await cluster.create(PodKind, pod('small', { cpu: '1' }));
  await cluster.create(PodKind, pod('gated', {}, { schedulingGates: [{ name: 'quota' }] }));
  await vi.waitFor(async () => expect((await get(cluster, 'small')).spec.nodeName).toBe('a'));
  for (const leading of [() => cluster.loop.scheduler, () => undefined]) {
    const subresource = whySubresource({ resources: cluster.resources, leading });
    const ask = async (name: string) => {
      const request = { method: 'GET', namespace: 'default', name };
      return (await subresource.handle(request as never)) as { json: Record<string, unknown> };
    };
    await vi.waitFor(async () =>
      expect((await ask('big')).json).toMatchObject({
        apiVersion: 'gantry.dev/v1',
        kind: 'PlacementExplanation',
        message: expect.stringContaining('largest free 3 on a, 8 asked'),
        nodes: [{ name: 'a', fits: false, reasons: ['3 cpu free of 4, 8 asked'] }],
        suggestion: 'lower the cpu request to 3',
        refusals: [{ filter: 'resources', reason: 'too little cpu', count: 1, nodes: ['a'] }],
        changes: [
          { type: 'lower-requests', node: 'a', requests: { cpu: '3' } },
          { type: 'add-node', allocatable: { cpu: '8', pods: '1' } },
        ],
      }),
    );
    const small = (await ask('small')).json;
    expect(small['message']).toContain('bound to a: the best of 1 of 1 node');
    expect(small['candidates']).toEqual([
      { node: 'a', score: expect.any(Number), scores: expect.objectContaining({ pack: 0.125 }) },
    ]);
    expect((await ask('gated')).json['message']).toContain('scheduling gates to be removed: quota');
  }
});

test('a node that is not ready takes no pods', async () => {
  await using cluster = await startCluster();
  await cluster.create(NodeKind, { metadata: { name: 'new' } });
  await cluster.objects.mutate(NodeKind, undefined, 'new', (node) => ({
    ...node,
    status: { allocatable: { cpu: '64', memory: '64Gi', pods: '100' } },
  }));
  await cluster.create(PodKind, pod('p'));
  await vi.waitFor(async () =>
    expect((await get(cluster, 'p')).status?.conditions?.[0]?.message).toContain('1 is not ready'),
  );
});

/** Decides as any, but takes as long for it as a hard decision in a large cluster. */
class SlowScheduler extends Scheduler {
  /** How many turns of the event loop there had been at each decision. */
  readonly turns: number[] = [];
  private turn = 0;

  count(signal: AbortSignal): void {
    this.turn += 1;
    if (!signal.aborted) setImmediate(() => this.count(signal));
  }

  override decide(handle: PodHandle): Decision {
    this.turns.push(this.turn);
    const endMs = performance.now() + 3;
    while (performance.now() < endMs);
    return super.decide(handle);
  }
}

test('requests and watches have their turn while many hard decisions are made', async () => {
  const scheduler = new SlowScheduler(new Snapshot());
  await using cluster = new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
    scheduler,
  });
  await cluster.nodes.connect({ name: 'a', allocatable: { cpu: '64' } });
  const names = Array.from({ length: 60 }, (_, i) => `p${i}`);
  // All of them wait before the first is decided on.
  for (const name of names) {
    const object = { ...pod(name, { cpu: '1' }), status: { phase: 'Pending' } };
    await cluster.objects.create(PodKind, object as Pod);
  }
  const counting = new AbortController();
  scheduler.count(counting.signal);
  await cluster.start();
  await vi.waitFor(() => expect(scheduler.turns.length).toBeGreaterThanOrEqual(names.length), {
    timeout: 10_000,
  });
  counting.abort();
  expect(new Set(scheduler.turns.slice(0, names.length)).size).toBeGreaterThan(names.length / 4);
});
