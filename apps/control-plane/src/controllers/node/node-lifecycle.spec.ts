import { expect, test, vi } from 'vitest';
import { DeploymentKind, NodeKind, PodKind, type Node } from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import type { ControllersOptions } from '../controllers.js';
import { isActive } from '../replica-set/pod-order.js';
import { TestCluster } from '../testing/cluster.js';

const patient = { timeout: 10_000, interval: 30 };

const startCluster = (controllers: Partial<ControllersOptions> = {}) =>
  new TestCluster({ nodes: (objects) => new HollowNodes({ objects }), controllers }).start();
type Cluster = Awaited<ReturnType<typeof startCluster>>;

const node = (cluster: Cluster, name: string): Promise<Node> =>
  cluster.resources.get(NodeKind, undefined, name);
const taintsOf = async (cluster: Cluster, name: string) =>
  ((await node(cluster, name)).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
const readyOf = async (cluster: Cluster, name: string) =>
  (await node(cluster, name)).status?.conditions?.find(({ type }) => type === 'Ready')?.status;

const web = (replicas: number, spec: object = {}) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'web:1' }], ...spec },
    },
  },
});

const running = async (cluster: Cluster) =>
  (await cluster.list(PodKind)).filter((p) => isActive(p) && p.status?.phase === 'Running');

test('a lost node is told, tainted, and its pods are replaced; when it returns all is well again', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  await cluster.create(DeploymentKind, web(2));
  await vi.waitFor(async () => expect(await running(cluster)).toHaveLength(2), patient);
  await cluster.nodes.connect({ name: 'b' });
  await cluster.nodes.disconnect('a');
  await vi.waitFor(async () => {
    expect(await readyOf(cluster, 'a')).toBe('Unknown');
    expect(await taintsOf(cluster, 'a')).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
  }, patient);
  await vi.waitFor(async () => {
    const nodes = (await running(cluster)).map((p) => p.spec.nodeName);
    expect(nodes).toEqual(['b', 'b']);
  }, patient);
  // The old pods wait for their agent to confirm their end.
  expect(await cluster.list(PodKind)).toHaveLength(4);
  await cluster.nodes.connect({ name: 'a' });
  await vi.waitFor(async () => {
    expect(await readyOf(cluster, 'a')).toBe('True');
    expect(await taintsOf(cluster, 'a')).toEqual([]);
    expect(await cluster.list(PodKind)).toHaveLength(2);
  }, patient);
});

test('a short cut changes nothing', async () => {
  await using cluster = await startCluster({ nodeGraceSeconds: 30 });
  await cluster.nodes.connect({ name: 'a' });
  await cluster.nodes.connect({ name: 'b' });
  const before = await node(cluster, 'a');
  await cluster.nodes.disconnect('a');
  await cluster.nodes.disconnect('b');
  await cluster.nodes.connect({ name: 'b' });
  // Another node's life goes on meanwhile, so the controller had its turn.
  await vi.waitFor(async () => expect((await node(cluster, 'b')).spec?.podCIDR).toBeDefined());
  expect((await node(cluster, 'a')).spec?.taints).toBeUndefined();
  expect((await node(cluster, 'a')).status).toEqual(before.status);
});

test('pods that tolerate the loss stay; when every agent is away none is given up', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  const tolerations = [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists' }];
  await cluster.create(DeploymentKind, web(1, { tolerations }));
  await cluster.create(PodKind, {
    metadata: { name: 'plain', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'web:1' }] },
  });
  await vi.waitFor(async () => expect(await running(cluster)).toHaveLength(2), patient);
  await cluster.nodes.disconnect('a');
  await vi.waitFor(async () => expect(await taintsOf(cluster, 'a')).toHaveLength(2), patient);
  // Longer than the eviction bound.
  const passedMs = Date.now() + 1_500;
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(passedMs), patient);
  const going = (pods: { metadata: { deletionTimestamp?: string; name?: string } }[]) =>
    pods.filter((p) => p.metadata.deletionTimestamp).map((p) => p.metadata.name);
  expect(going(await cluster.list(PodKind))).toEqual([]);
  await cluster.nodes.connect({ name: 'b' });
  await vi.waitFor(
    async () => expect(going(await cluster.list(PodKind))).toEqual(['plain']),
    patient,
  );
});

test('a node short of disk gets no new pods but those that tolerate it, and keeps its own', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  const plain = (name: string, tolerations: object[] = []) => ({
    metadata: { name, namespace: 'default' },
    spec: { tolerations, containers: [{ name: 'c', image: 'web:1' }] },
  });
  await cluster.create(PodKind, plain('before'));
  await vi.waitFor(async () => expect(await running(cluster)).toHaveLength(1), patient);
  const pressure = (status: 'True' | 'False') =>
    cluster.resources.mutateStatus(NodeKind, undefined, 'a', (current) => {
      const others = (current.status?.conditions ?? []).filter((c) => c.type !== 'DiskPressure');
      const conditions = [...others, { type: 'DiskPressure', status }];
      return { ...current, status: { ...current.status, conditions } };
    });
  await pressure('True');
  const taint = 'node.kubernetes.io/disk-pressure';
  await vi.waitFor(async () => {
    expect(await taintsOf(cluster, 'a')).toEqual([`${taint}:NoSchedule`]);
  }, patient);
  await cluster.create(PodKind, plain('waits'));
  await cluster.create(PodKind, plain('tolerant', [{ key: taint, operator: 'Exists' }]));
  const names = async () => (await running(cluster)).map((p) => p.metadata.name).sort();
  await vi.waitFor(async () => expect(await names()).toEqual(['before', 'tolerant']), patient);
  await pressure('False');
  await vi.waitFor(async () => {
    expect(await taintsOf(cluster, 'a')).toEqual([]);
    expect(await names()).toEqual(['before', 'tolerant', 'waits']);
  }, patient);
});

test('a NoExecute taint by hand drives pods away at once', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  await cluster.create(DeploymentKind, web(2));
  await vi.waitFor(async () => expect(await running(cluster)).toHaveLength(2), patient);
  await cluster.nodes.connect({ name: 'b' });
  await cluster.resources.mutate(NodeKind, undefined, 'a', (current) => ({
    ...current,
    spec: { ...current.spec, taints: [{ key: 'maintenance', effect: 'NoExecute' as const }] },
  }));
  await vi.waitFor(async () => {
    const nodes = (await running(cluster)).map((p) => p.spec.nodeName);
    expect(nodes).toEqual(['b', 'b']);
  }, patient);
});

test('pods of a deleted node go, since nobody will report their end', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  await cluster.create(DeploymentKind, web(1));
  await vi.waitFor(async () => expect(await running(cluster)).toHaveLength(1), patient);
  await cluster.nodes.disconnect('a');
  await cluster.resources.delete(NodeKind, undefined, 'a');
  await cluster.nodes.connect({ name: 'b' });
  await vi.waitFor(async () => {
    const pods = await cluster.list(PodKind);
    expect(pods.map((p) => p.spec.nodeName)).toEqual(['b']);
  }, patient);
});

test('every node gets its own part of the pod addresses', async () => {
  await using cluster = await startCluster();
  const names = Array.from({ length: 8 }, (_, i) => `n${i}`);
  await Promise.all(names.map((name) => cluster.nodes.connect({ name })));
  await vi.waitFor(async () => {
    const cidrs = (await cluster.list(NodeKind)).map(({ spec }) => spec?.podCIDR);
    expect(cidrs.sort()).toEqual(names.map((_, i) => `10.42.${i}.0/24`));
  }, patient);
});
