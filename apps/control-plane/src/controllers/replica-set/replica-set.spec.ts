import { PodKind, PriorityClassKind, ReplicaSetKind, type Pod, type ReplicaSet } from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { expect, test, vi } from 'vitest';
import { TestCluster } from '../testing/cluster.js';

const patient = { timeout: 15_000, interval: 30 };

function startCluster() {
  const nodes = (objects: ConstructorParameters<typeof HollowNodes>[0]['objects']) =>
    new HollowNodes({ objects });
  // Without a scheduler a pod stays in the version in which it was created.
  return new TestCluster({ nodes, scheduling: false }).start();
}

const template = {
  metadata: { labels: { app: 'web' }, annotations: { note: 'é "quoted"' } },
  spec: {
    containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu: '100m' } } }],
    volumes: [{ name: 'empty', emptyDir: {} }],
  },
};

const set = (replicas: number, spec: object = {}) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { ...template, spec: { ...template.spec, ...spec } },
  },
});

const pods = async (cluster: Awaited<ReturnType<typeof startCluster>>) =>
  (await cluster.list(PodKind)).filter(({ metadata }) => metadata.ownerReferences);

/** All but what is each pod's own. */
const shared = ({ metadata, ...rest }: Pod) => {
  const { name: _n, uid: _u, resourceVersion: _r, creationTimestamp: _c, ...kept } = metadata;
  return { ...rest, metadata: kept };
};

test('creates a thousand pods in a few transactions, each as if it were the only one', async () => {
  await using cluster = await startCluster();
  const made = await cluster.create(ReplicaSetKind, set(1_000));
  await vi.waitFor(async () => expect(await pods(cluster)).toHaveLength(1_000), patient);
  const created = await pods(cluster);
  const distinct = (of: (pod: Pod) => unknown) => new Set(created.map(of)).size;
  expect(distinct(({ metadata }) => metadata.name)).toBe(1_000);
  expect(distinct(({ metadata }) => metadata.uid)).toBe(1_000);
  // 1, 2, 4 … at first, and then a hundred at a time.
  expect(distinct(({ metadata }) => metadata.resourceVersion)).toBeLessThan(25);
  const alone = await cluster.create<Pod>(PodKind, {
    metadata: {
      ...template.metadata,
      generateName: 'web-',
      namespace: 'default',
      ownerReferences: created[0]!.metadata.ownerReferences,
    },
    spec: template.spec,
  });
  const stored = await cluster.resources.get(PodKind, 'default', alone.metadata.name!);
  for (const pod of created) expect(shared(pod)).toEqual(shared(stored));
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(ReplicaSetKind, 'default', 'web');
    expect(status).toMatchObject({ replicas: 1_000, fullyLabeledReplicas: 1_000 });
  }, patient);
  expect(made.metadata.uid).toBe(created[0]!.metadata.ownerReferences?.[0]?.uid);
});

test('what admission refuses is told once and tried again until it is admitted', async () => {
  await using cluster = await startCluster();
  await cluster.create(ReplicaSetKind, set(50, { priorityClassName: 'gold' }));
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(ReplicaSetKind, 'default', 'web');
    const message = expect.stringContaining('no PriorityClass with name gold was found');
    expect(status?.conditions).toMatchObject([{ type: 'ReplicaFailure', status: 'True', message }]);
  }, patient);
  expect(await pods(cluster)).toHaveLength(0);
  await cluster.create(PriorityClassKind, { metadata: { name: 'gold' }, value: 7 });
  await vi.waitFor(async () => expect(await pods(cluster)).toHaveLength(50), patient);
  expect(new Set((await pods(cluster)).map(({ spec }) => spec.priority))).toEqual(new Set([7]));
});

test('replaces the one pod that is taken away while others are on their way', async () => {
  await using cluster = await startCluster();
  await cluster.create(ReplicaSetKind, set(300));
  const [first] = await vi.waitFor(async () => {
    const found = await pods(cluster);
    expect(found.length).toBeGreaterThan(0);
    return found;
  }, patient);
  const { name, uid } = first!.metadata;
  await cluster.objects.remove(PodKind, 'default', name!);
  await vi.waitFor(async () => {
    const found = await pods(cluster);
    expect(found).toHaveLength(300);
    expect(found.some(({ metadata }) => metadata.uid === uid)).toBe(false);
  }, patient);
  const scaled = (current: ReplicaSet) => ({ ...current, spec: { ...current.spec, replicas: 3 } });
  await cluster.resources.mutate(ReplicaSetKind, 'default', 'web', scaled);
  await vi.waitFor(async () => {
    const left = (await pods(cluster)).filter(({ metadata }) => !metadata.deletionTimestamp);
    expect(left).toHaveLength(3);
  }, patient);
});
