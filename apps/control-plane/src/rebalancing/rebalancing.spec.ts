import { expect, test, vi } from 'vitest';
import {
  DeploymentKind,
  EventKind,
  NodeKind,
  PodDisruptionBudgetKind,
  PodKind,
  RebalanceKind,
  type Pod,
  rebalanceMoves,
  type Rebalance,
  type RebalancePlanStatus,
} from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { TestCluster, type TestClusterOptions } from '../controllers/testing/cluster.js';
import { rebalancePlanResource } from './rebalance-plans.js';

type Cluster = TestCluster<HollowNodes>;
type Controllers = TestClusterOptions<HollowNodes>['controllers'];

const patience = { timeout: 15_000 };

const deployment = (name: string, replicas: number, more: object = {}, annotations = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations },
      spec: {
        containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu: '1' } } }],
        ...more,
      },
    },
  },
});

async function cordon(cluster: Cluster, name: string, unschedulable: boolean): Promise<void> {
  await cluster.resources.mutate(NodeKind, undefined, name, (node) => ({
    ...node,
    spec: { ...node.spec, unschedulable },
  }));
}

const podsOf = async (cluster: Cluster, app: string): Promise<Pod[]> =>
  (await cluster.list(PodKind)).filter(({ metadata }) => metadata.labels?.['app'] === app);

async function runs(cluster: Cluster, app: string, replicas: number): Promise<void> {
  await vi.waitFor(async () => {
    const phases = (await podsOf(cluster, app)).map(({ status }) => status?.phase);
    expect(phases).toEqual(Array.from({ length: replicas }, () => 'Running'));
  }, patience);
}

/** Nodes a, b and c with 4 cpus each: two pods of `many` on a, one of `few` on b; c is empty. */
async function scattered(
  few: { more?: object; annotations?: object; replicas?: number } = {},
  controllers: Controllers = {},
): Promise<Cluster> {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
    controllers,
  }).start();
  await cluster.nodes.connect({ name: 'a' });
  await cluster.create(DeploymentKind, deployment('many', 2));
  await runs(cluster, 'many', 2);
  await cordon(cluster, 'a', true);
  await cluster.nodes.connect({ name: 'b' });
  const { replicas = 1, more, annotations } = few;
  await cluster.create(DeploymentKind, deployment('few', replicas, more, annotations));
  await runs(cluster, 'few', replicas);
  await cluster.nodes.connect({ name: 'c' });
  await cordon(cluster, 'a', false);
  return cluster;
}

async function preview(cluster: Cluster, maxMoves = 5): Promise<RebalancePlanStatus> {
  const resource = rebalancePlanResource({ resources: cluster.resources });
  const body = { spec: { maxMoves } };
  const { json } = (await resource.handle({ method: 'POST', body } as never)) as {
    json: { status: RebalancePlanStatus };
  };
  return json.status;
}

/** The plan once the lists behind it show the cluster as it is. */
async function gainful(cluster: Cluster, moves = 1): Promise<RebalancePlanStatus> {
  return vi.waitFor(async () => {
    const plan = await preview(cluster);
    expect(plan.moves).toHaveLength(moves);
    return plan;
  }, patience);
}

const begin = (cluster: Cluster, { moves, gain }: Pick<RebalancePlanStatus, 'moves' | 'gain'>) =>
  cluster.create(RebalanceKind, {
    metadata: { name: 'tidy' },
    spec: { gain, moves: rebalanceMoves(moves) },
  });

const ended = (cluster: Cluster, phase: string): Promise<Rebalance> =>
  vi.waitFor(async () => {
    const found = await cluster.resources.get(RebalanceKind, undefined, 'tidy');
    expect(found.status).toMatchObject({ phase });
    return found;
  }, patience);

test('a preview tells what would move and why, and moves nothing', async () => {
  await using cluster = await scattered();
  const [pod] = await podsOf(cluster, 'few');
  const plan = await gainful(cluster);
  expect(plan).toMatchObject({
    moves: [{ pod: pod!.metadata.name, from: 'b', to: 'a', reason: 'frees b' }],
    freed: ['b'],
    gain: 'frees 1 of 2 nodes in use (b)',
    before: { nodesInUse: 2, idleCpu: 0.625 },
    after: { nodesInUse: 1, idleCpu: 0.25 },
  });
  expect(plan.moves[0]!.owner).toMatch(/^ReplicaSet\/few-/);
  expect((await podsOf(cluster, 'few'))[0]!.metadata.uid).toBe(pod!.metadata.uid);
  await expect(preview(cluster, 0)).rejects.toThrow(/spec.maxMoves.*from 1 to 1000/s);
});

test('a rebalance evicts the pod, and its replacement comes to the planned node', async () => {
  await using cluster = await scattered();
  const plan = await gainful(cluster);
  const [before] = await podsOf(cluster, 'few');
  await begin(cluster, plan);
  const { status } = await ended(cluster, 'Completed');
  expect(status).toMatchObject({ moved: 1, message: plan.gain });
  const [after, ...others] = await podsOf(cluster, 'few');
  expect(others).toEqual([]);
  expect(after!.metadata.uid).not.toBe(before!.metadata.uid);
  expect(after!.spec.nodeName).toBe('a');
  expect(after!.metadata.annotations).toMatchObject({
    'gantry.dev/preferred-node': 'a',
    'gantry.dev/replaces': before!.metadata.uid,
  });
  await vi.waitFor(async () => {
    const events = await cluster.list(EventKind);
    const about = events.find(({ reason }) => reason === 'Rebalanced');
    expect(about?.message).toContain('Evicted from b by rebalance tidy, to run on a: frees 1 of 2');
  }, patience);
});

test('a new leader goes on where the one before was', async () => {
  await using cluster = await scattered({ replicas: 2 });
  const plan = await gainful(cluster, 2);
  await begin(cluster, plan);
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(RebalanceKind, undefined, 'tidy');
    expect(status?.moved ?? 0).toBeGreaterThan(0);
  }, patience);
  await cluster.restartControllers();
  const { status } = await ended(cluster, 'Completed');
  expect(status?.moved).toBe(2);
  const { to } = plan.moves[0]!;
  const nodes = (await cluster.list(PodKind)).map(({ spec }) => spec.nodeName);
  expect(nodes).toEqual([to, to, to, to]);
});

const pods = (cpu: string, more: object = {}) => ({
  containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu } } }],
  ...more,
});

/**
 * Nodes a and b with 4 cpus each: `three` on a; `two`, and one of one cpu that stays, on b. A pod of two cpus
 * waits, for which there is room only when `three` and `two` change places.
 */
async function crowded(delayMs: (pod: Pod) => number = () => 0): Promise<Cluster> {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects, delayMs }),
    controllers: {},
  }).start();
  await cluster.nodes.connect({ name: 'a' });
  await cluster.create(DeploymentKind, deployment('three', 1, pods('3')));
  await runs(cluster, 'three', 1);
  await cordon(cluster, 'a', true);
  await cluster.nodes.connect({ name: 'b' });
  await cluster.create(DeploymentKind, deployment('two', 1, pods('2')));
  const never = { 'gantry.dev/rebalance': 'never' };
  await cluster.create(DeploymentKind, deployment('stays', 1, pods('1'), never));
  await runs(cluster, 'two', 1);
  await runs(cluster, 'stays', 1);
  await cordon(cluster, 'a', false);
  await cluster.create(DeploymentKind, deployment('waits', 1, pods('2')));
  return cluster;
}

const nodeOf = async (cluster: Cluster, app: string) =>
  (await podsOf(cluster, app)).map(({ spec }) => spec.nodeName).join();

test('two pods change places, nobody takes the room between, and the pod that waited comes', async () => {
  await using cluster = await crowded();
  const plan = await gainful(cluster, 2);
  const [two] = await podsOf(cluster, 'two');
  const [three] = await podsOf(cluster, 'three');
  expect(plan.moves).toMatchObject([
    { pod: two!.metadata.name, from: 'b', to: 'a', exchangeWith: three!.metadata.uid },
    { pod: three!.metadata.name, from: 'a', to: 'b' },
  ]);
  expect(plan.moves[0]!.reason).toMatch(
    /^makes room for default\/waits-.*; goes first and changes places with default\/three-/,
  );
  await begin(cluster, plan);
  const { status } = await ended(cluster, 'Completed');
  expect(status).toMatchObject({ moved: 2, message: plan.gain });
  expect(await nodeOf(cluster, 'two')).toBe('a');
  expect(await nodeOf(cluster, 'three')).toBe('b');
  await runs(cluster, 'waits', 1);
  expect(await nodeOf(cluster, 'waits')).toBe('a');
});

test('an exchange waits for the budget of both before it takes either away', async () => {
  await using cluster = await crowded();
  const plan = await gainful(cluster, 2);
  const [two] = await podsOf(cluster, 'two');
  await cluster.create(PodDisruptionBudgetKind, {
    metadata: { name: 'one', namespace: 'default' },
    spec: {
      maxUnavailable: 1,
      selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['two', 'three'] }] },
    },
  });
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(PodDisruptionBudgetKind, 'default', 'one');
    expect(status?.disruptionsAllowed).toBe(1);
    expect((await preview(cluster)).moves).toEqual([]);
  }, patience);
  await begin(cluster, plan);
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(RebalanceKind, undefined, 'tidy');
    expect(status?.message).toMatch(/default\/one allows 1 of the 2 that would be away at once/);
  }, patience);
  expect((await podsOf(cluster, 'two'))[0]!.metadata.uid).toBe(two!.metadata.uid);
});

test('a replacement that nobody waits for any more is let go', async () => {
  // The second pod does not end, so that the first one's replacement waits.
  await using cluster = await crowded(({ metadata: { labels, deletionTimestamp } }) =>
    deletionTimestamp && labels?.['app'] === 'three' ? 3_600_000 : 0,
  );
  const plan = await gainful(cluster, 2);
  await begin(cluster, plan);
  const gated = async () =>
    (await podsOf(cluster, 'two')).filter(({ spec }) => spec.schedulingGates?.length);
  await vi.waitFor(async () => expect(await gated()).toHaveLength(1), patience);
  await cluster.resources.delete(RebalanceKind, undefined, 'tidy');
  await vi.waitFor(async () => expect(await gated()).toEqual([]), patience);
});

test('the planned node outdoes the one that scores best', async () => {
  await using cluster = await scattered();
  const [pod] = await podsOf(cluster, 'few');
  const { namespace = '', name: podName = '', uid = '' } = pod!.metadata;
  const move = { namespace, pod: podName, uid, from: 'b', to: 'c' };
  await begin(cluster, { moves: [{ ...move, owner: '', reason: '' }], gain: 'for the test' });
  await ended(cluster, 'Completed');
  expect((await podsOf(cluster, 'few'))[0]!.spec.nodeName).toBe('c');
});

test('a budget that allows nothing holds the move up, in the preview and later', async () => {
  await using cluster = await scattered();
  const plan = await gainful(cluster);
  const selector = { matchLabels: { app: 'few' } };
  await cluster.create(PodDisruptionBudgetKind, {
    metadata: { name: 'none', namespace: 'default' },
    spec: { minAvailable: 1, selector },
  });
  await vi.waitFor(async () => {
    const { kept, moves } = await preview(cluster);
    expect(moves.map(({ from }) => from)).not.toContain('b');
    const message = expect.stringContaining('default/none (allows 0)') as string;
    expect(kept).toContainEqual({ node: 'b', message });
  }, patience);
  const [before] = await podsOf(cluster, 'few');
  await begin(cluster, plan);
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(RebalanceKind, undefined, 'tidy');
    expect(status?.message).toMatch(/waits until default\/few-.* none needs 1 healthy pods/);
  }, patience);
  expect((await podsOf(cluster, 'few'))[0]!.metadata.uid).toBe(before!.metadata.uid);
});

test.each<[string, { more?: object; annotations?: object }, string]>([
  ['opted out', { annotations: { 'gantry.dev/rebalance': 'never' } }, 'rebalance: never'],
  ['with data', { more: { volumes: [{ name: 'd', emptyDir: {} }] } }, 'keeps data in the emptyDir'],
  ['on its disk', { more: { volumes: [{ name: 'd', hostPath: { path: '/d' } }] } }, 'uses /d of'],
])('a pod that is %s stays, and the preview says so', async (_title, few, why) => {
  await using cluster = await scattered(few);
  await vi.waitFor(async () => {
    const { moves, kept } = await preview(cluster);
    expect(moves.map(({ from }) => from)).toEqual(['a', 'a']);
    expect(kept).toContainEqual({ node: 'b', message: expect.stringContaining(why) as string });
  }, patience);
});

test('what has changed since it was planned is not moved', async () => {
  await using cluster = await scattered();
  const plan = await gainful(cluster);
  await cordon(cluster, 'a', true);
  const [before] = await podsOf(cluster, 'few');
  await vi.waitFor(async () => expect((await preview(cluster)).moves).not.toEqual(plan.moves));
  await begin(cluster, plan);
  const { status } = await ended(cluster, 'Stopped');
  expect(status?.message).toMatch(/does not fit on a any more.*plan again/);
  expect((await podsOf(cluster, 'few'))[0]!.metadata.uid).toBe(before!.metadata.uid);
});

test('on a schedule it happens by itself, within its moves', async () => {
  await using cluster = await scattered({}, { rebalanceEveryMillis: 200, rebalanceMaxMoves: 1 });
  await vi.waitFor(async () => {
    const rebalances = await cluster.list(RebalanceKind);
    const done = rebalances.filter(({ status }) => status?.phase === 'Completed');
    expect(done.length).toBeGreaterThan(0);
    for (const { spec, metadata } of rebalances) {
      expect(spec.moves).toHaveLength(1);
      expect(metadata.name).toMatch(/^scheduled-\d+$/);
    }
    expect((await podsOf(cluster, 'few'))[0]!.spec.nodeName).toBe('a');
  }, patience);
});
