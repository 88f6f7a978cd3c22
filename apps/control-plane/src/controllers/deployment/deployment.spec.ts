import { expect, test, vi } from 'vitest';
import {
  DeploymentKind,
  PodKind,
  ReplicaSetKind,
  type Deployment,
  type Pod,
  type ReplicaSet,
} from '@gantry/api';
import { HollowNodes, type HollowNodesOptions } from '@gantry/testing';
import { isActive, readySince } from '../replica-set/pod-order.js';
import { TestCluster } from '../testing/cluster.js';

async function startCluster(hollow: Partial<HollowNodesOptions> = {}) {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects, ...hollow }),
  }).start();
  for (const name of ['a', 'b', 'c']) await cluster.nodes.connect({ name });
  return cluster;
}
type Cluster = Awaited<ReturnType<typeof startCluster>>;

const deployment = (name: string, spec: object = {}, image = 'web:1') => ({
  metadata: { name, namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'c', image }] },
    },
    ...spec,
  },
});

const get = (cluster: Cluster, name: string): Promise<Deployment> =>
  cluster.resources.get(DeploymentKind, 'default', name);
const edit = (cluster: Cluster, name: string, change: (d: Deployment) => void) =>
  cluster.resources.mutate(DeploymentKind, 'default', name, (current) => {
    change(current);
    return current;
  });
const setImage = (cluster: Cluster, name: string, image: string) =>
  edit(cluster, name, (d) => (d.spec.template.spec.containers[0]!.image = image));
const condition = (d: Deployment, type: string) =>
  d.status?.conditions?.find((c) => c.type === type);

async function settled(cluster: Cluster, name: string): Promise<Deployment> {
  return vi.waitFor(
    async () => {
      const current = await get(cluster, name);
      const { replicas } = current.spec;
      expect(current.status).toMatchObject({
        observedGeneration: current.metadata.generation,
        replicas,
        updatedReplicas: replicas,
        availableReplicas: replicas,
      });
      expect(condition(current, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
      return current;
    },
    { timeout: 10_000 },
  );
}

const images = async (cluster: Cluster) =>
  (await cluster.list(PodKind)).filter(isActive).map((p: Pod) => p.spec.containers[0]!.image);

test('makes a ReplicaSet and its pods, and reports them', async () => {
  await using cluster = await startCluster();
  await cluster.create(DeploymentKind, deployment('web'));
  const done = await settled(cluster, 'web');
  expect(done.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
  expect(condition(done, 'Available')?.status).toBe('True');
  const [set] = await cluster.list(ReplicaSetKind);
  expect(set?.metadata.name).toMatch(/^web-[a-z0-9]{10}$/);
  expect(set?.metadata.ownerReferences?.[0]).toMatchObject({ name: 'web', controller: true });
  expect(set?.status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3 });
  const pods = await cluster.list(PodKind);
  expect(pods.map((p) => p.metadata.labels?.['pod-template-hash'])).toEqual(
    Array.from({ length: 3 }, () => set?.metadata.labels?.['pod-template-hash']),
  );
});

test('replaces a pod that is deleted or fails', async () => {
  await using cluster = await startCluster();
  await cluster.create(DeploymentKind, deployment('web'));
  await settled(cluster, 'web');
  const [first, second] = await cluster.list(PodKind);
  await cluster.resources.delete(PodKind, 'default', first!.metadata.name!);
  await cluster.resources.mutateStatus(PodKind, 'default', second!.metadata.name!, (pod) => ({
    ...pod,
    status: { ...pod.status, phase: 'Failed' as const },
  }));
  await vi.waitFor(async () => {
    const active = (await cluster.list(PodKind)).filter(isActive);
    expect(active.filter((p) => readySince(p) !== undefined)).toHaveLength(3);
    expect(active.map((p) => p.metadata.uid)).not.toContain(second!.metadata.uid);
  });
});

test('rolls to a new template, keeps the old set, and rolls back with a new revision', async () => {
  await using cluster = await startCluster();
  await cluster.create(DeploymentKind, deployment('web'));
  const before = await settled(cluster, 'web');
  await setImage(cluster, 'web', 'web:2');
  await settled(cluster, 'web');
  expect(await images(cluster)).toEqual(['web:2', 'web:2', 'web:2']);
  const template = before.spec.template as unknown;
  // As kubectl rollout undo does it.
  const body = [{ op: 'replace', path: '/spec/template', value: template }];
  await cluster.resources.patch(DeploymentKind, 'default', 'web', { type: 'json', body });
  const back = await settled(cluster, 'web');
  expect(await images(cluster)).toEqual(['web:1', 'web:1', 'web:1']);
  expect(back.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  const sets = await cluster.list(ReplicaSetKind);
  const revisions = sets.map((s) => s.metadata.annotations?.['deployment.kubernetes.io/revision']);
  expect(revisions.sort()).toEqual(['2', '3']);
});

test('Recreate never runs two templates together', async () => {
  await using cluster = await startCluster({ delayMs: () => 20 });
  await cluster.create(DeploymentKind, deployment('web', { strategy: { type: 'Recreate' } }));
  await settled(cluster, 'web');
  const mixed: string[][] = [];
  const pods = cluster.context.informers.for(PodKind);
  const look = () => {
    const running = pods.list().filter((p) => p.status?.phase === 'Running');
    const seen = new Set(running.map((p) => p.spec.containers[0]!.image!));
    if (seen.size > 1) mixed.push([...seen]);
  };
  const end = pods.subscribe({ added: look, updated: look, deleted: look });
  await setImage(cluster, 'web', 'web:2');
  await settled(cluster, 'web');
  end();
  expect(mixed).toEqual([]);
  expect(await images(cluster)).toEqual(['web:2', 'web:2', 'web:2']);
});

test('stops at a broken template within its bounds, says why after the deadline, and rolls back', async () => {
  await using cluster = await startCluster({
    fate: (pod) => (pod.spec.containers[0]!.image === 'web:broken' ? 'unready' : 'ready'),
  });
  await cluster.create(DeploymentKind, deployment('web', { progressDeadlineSeconds: 1 }));
  await settled(cluster, 'web');
  await setImage(cluster, 'web', 'web:broken');
  await vi.waitFor(
    async () => {
      const progressing = condition(await get(cluster, 'web'), 'Progressing');
      expect(progressing).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
      expect(progressing?.message).toContain('has timed out progressing');
    },
    { timeout: 8_000 },
  );
  expect((await images(cluster)).filter((image) => image === 'web:1')).toHaveLength(3);
  expect(condition(await get(cluster, 'web'), 'Available')?.status).toBe('True');
  await setImage(cluster, 'web', 'web:1');
  await settled(cluster, 'web');
});

test('a pause holds the template back but not the number', async () => {
  await using cluster = await startCluster();
  await cluster.create(DeploymentKind, deployment('web'));
  await settled(cluster, 'web');
  await edit(cluster, 'web', (d) => {
    d.spec.paused = true;
    d.spec.replicas = 5;
    d.spec.template.spec.containers[0]!.image = 'web:2';
  });
  await vi.waitFor(async () => expect(await images(cluster)).toEqual(Array(5).fill('web:1')));
  const paused = await get(cluster, 'web');
  expect(condition(paused, 'Progressing')?.reason).toBe('DeploymentPaused');
  await edit(cluster, 'web', (d) => (d.spec.paused = false));
  await settled(cluster, 'web');
  expect(await images(cluster)).toEqual(Array(5).fill('web:2'));
});

test('keeps no more old sets than the history limit', async () => {
  await using cluster = await startCluster();
  await cluster.create(DeploymentKind, deployment('web', { revisionHistoryLimit: 1 }));
  for (const image of ['web:2', 'web:3', 'web:4']) {
    await settled(cluster, 'web');
    await setImage(cluster, 'web', image);
  }
  await settled(cluster, 'web');
  await vi.waitFor(async () => {
    const sets = await cluster.list(ReplicaSetKind);
    expect(sets.map((s: ReplicaSet) => s.spec.template.spec.containers[0]!.image).sort()).toEqual([
      'web:3',
      'web:4',
    ]);
  });
});

test('adopts pods that it selects and releases those whose labels change', async () => {
  await using cluster = await startCluster();
  await cluster.create(DeploymentKind, deployment('web', { replicas: 2 }));
  await settled(cluster, 'web');
  const [pod] = await cluster.list(PodKind);
  await cluster.resources.mutate(PodKind, 'default', pod!.metadata.name!, (current) => {
    current.metadata.labels = { app: 'debug' };
    return current;
  });
  await vi.waitFor(async () => {
    const pods = await cluster.list(PodKind);
    expect(pods).toHaveLength(3);
    const released = pods.find((p) => p.metadata.uid === pod!.metadata.uid);
    expect(released?.metadata.ownerReferences ?? []).toEqual([]);
  });
});
