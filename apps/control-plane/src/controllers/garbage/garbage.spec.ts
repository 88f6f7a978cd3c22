import { expect, test, vi } from 'vitest';
import {
  ConfigMapKind,
  DeploymentKind,
  JoinTokenKind,
  NamespaceKind,
  PodKind,
  ReplicaSetKind,
  type ConfigMap,
} from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { isReason, timestamp } from '@gantry/base';
import { TestCluster } from '../testing/cluster.js';

const patient = { timeout: 8_000, interval: 30 };

async function startCluster() {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
  }).start();
  await cluster.nodes.connect({ name: 'a' });
  return cluster;
}
type Cluster = Awaited<ReturnType<typeof startCluster>>;

const web = (namespace = 'default') => ({
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'web:1' }] },
    },
  },
});

async function rolledOut(cluster: Cluster, namespace = 'default') {
  await cluster.create(DeploymentKind, web(namespace));
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(DeploymentKind, namespace, 'web');
    expect(status?.availableReplicas).toBe(2);
  }, patient);
}

const counts = async (cluster: Cluster) => [
  (await cluster.list(DeploymentKind)).length,
  (await cluster.list(ReplicaSetKind)).length,
  (await cluster.list(PodKind)).length,
];

test('Background takes the owner first and everything below it soon after', async () => {
  await using cluster = await startCluster();
  await rolledOut(cluster);
  const options = { propagationPolicy: 'Background' } as const;
  await cluster.resources.delete(DeploymentKind, 'default', 'web', options);
  await vi.waitFor(async () => expect(await counts(cluster)).toEqual([0, 0, 0]), patient);
});

test('Foreground takes the owner last', async () => {
  await using cluster = await startCluster();
  await rolledOut(cluster);
  const order: string[] = [];
  const { informers } = cluster.context;
  informers.for(DeploymentKind).subscribe({ deleted: () => order.push('deployment') });
  informers.for(ReplicaSetKind).subscribe({ deleted: () => order.push('replicaset') });
  informers.for(PodKind).subscribe({ deleted: () => order.push('pod') });
  const options = { propagationPolicy: 'Foreground' } as const;
  await cluster.resources.delete(DeploymentKind, 'default', 'web', options);
  await vi.waitFor(async () => expect(await counts(cluster)).toEqual([0, 0, 0]), patient);
  await vi.waitFor(() => expect(order.at(-1)).toBe('deployment'));
  expect(order.at(-2)).toBe('replicaset');
});

test('Orphan leaves what is below without an owner', async () => {
  await using cluster = await startCluster();
  await rolledOut(cluster);
  const options = { propagationPolicy: 'Orphan' } as const;
  await cluster.resources.delete(DeploymentKind, 'default', 'web', options);
  await vi.waitFor(async () => expect(await counts(cluster)).toEqual([0, 1, 2]), patient);
  const [set] = await cluster.list(ReplicaSetKind);
  expect(set!.metadata.ownerReferences ?? []).toEqual([]);
});

const owned = (name: string, owners: { name: string; uid: string }[]) => ({
  metadata: {
    name,
    namespace: 'default',
    ownerReferences: owners.map((owner) => ({ apiVersion: 'v1', kind: 'ConfigMap', ...owner })),
  },
});

test('an owner of the same name but another uid is not the owner', async () => {
  await using cluster = await startCluster();
  const owner: ConfigMap = await cluster.create(ConfigMapKind, owned('owner', []));
  await cluster.create(ConfigMapKind, owned('true', [{ name: 'owner', uid: owner.metadata.uid! }]));
  await cluster.create(ConfigMapKind, owned('false', [{ name: 'owner', uid: 'another' }]));
  await vi.waitFor(async () => {
    const names = (await cluster.list(ConfigMapKind)).map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(['owner', 'true']);
  }, patient);
});

test('one owner that is left keeps the object, and only dead references go', async () => {
  await using cluster = await startCluster();
  const owner: ConfigMap = await cluster.create(ConfigMapKind, owned('owner', []));
  const live = { name: 'owner', uid: owner.metadata.uid! };
  await cluster.create(ConfigMapKind, owned('kept', [live, { name: 'gone', uid: 'u' }]));
  await vi.waitFor(async () => {
    const kept = await cluster.resources.get(ConfigMapKind, 'default', 'kept');
    expect(kept.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([live.uid]);
  }, patient);
});

test('an owner of a kind that is not served is left alone', async () => {
  await using cluster = await startCluster();
  const foreign = owned('foreign', [{ name: 'x', uid: 'u' }]);
  foreign.metadata.ownerReferences[0]!.kind = 'Widget';
  await cluster.create(ConfigMapKind, foreign);
  await cluster.create(ConfigMapKind, owned('doomed', [{ name: 'gone', uid: 'u' }]));
  await vi.waitFor(async () => {
    const names = (await cluster.list(ConfigMapKind)).map(({ metadata }) => metadata.name);
    expect(names).toEqual(['foreign']);
  }, patient);
});

test('a namespace takes all that is in it along, and nothing of another', async () => {
  await using cluster = await startCluster();
  await rolledOut(cluster, 'other');
  await cluster.create(ConfigMapKind, { metadata: { name: 'settings', namespace: 'other' } });
  await cluster.create(ConfigMapKind, { metadata: { name: 'settings', namespace: 'default' } });
  await cluster.resources.delete(NamespaceKind, undefined, 'other');
  await vi.waitFor(async () => {
    const found = await cluster.resources.find(NamespaceKind, undefined, 'other');
    expect(found).toBeUndefined();
  }, patient);
  expect(await counts(cluster)).toEqual([0, 0, 0]);
  const maps = await cluster.list(ConfigMapKind);
  expect(maps.map(({ metadata }) => metadata.namespace)).toEqual(['default']);
});

test('nothing new comes into a namespace that is going', async () => {
  await using cluster = await startCluster();
  const finalizers = ['example.com/hold'];
  await cluster.create(ConfigMapKind, {
    metadata: { name: 'held', namespace: 'other', finalizers },
  });
  await cluster.resources.delete(NamespaceKind, undefined, 'other');
  const late = cluster.create(ConfigMapKind, { metadata: { name: 'late', namespace: 'other' } });
  await expect(late).rejects.toSatisfy((error) => isReason(error, 'Forbidden'));
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(NamespaceKind, undefined, 'other');
    expect(status?.conditions?.[0]?.message).toBe('still there: 1 configmaps');
  }, patient);
});

test('join tokens go some time after they ceased to serve', async () => {
  await using cluster = await startCluster();
  const ago = (ms: number) => timestamp(Date.now() - ms);
  await cluster.create(JoinTokenKind, {
    metadata: { name: 'old' },
    spec: { expiresAt: ago(700_000) },
  });
  await cluster.create(JoinTokenKind, {
    metadata: { name: 'late' },
    spec: { expiresAt: ago(60_000) },
  });
  await cluster.create(JoinTokenKind, { metadata: { name: 'good' }, spec: { usesLeft: 1 } });
  await vi.waitFor(async () => {
    const names = (await cluster.list(JoinTokenKind)).map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(['good', 'late']);
  }, patient);
});
