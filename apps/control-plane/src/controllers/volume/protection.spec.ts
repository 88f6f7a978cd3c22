import { expect, test, vi } from 'vitest';
import { PersistentVolumeClaimKind, PersistentVolumeKind, PodKind } from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { TestCluster } from '../testing/cluster.js';

type Cluster = TestCluster<HollowNodes>;

const volume = {
  metadata: { name: 'disk' },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    hostPath: { path: '/data' },
  },
};
const claim = {
  metadata: { name: 'data', namespace: 'default' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};
const pod = {
  metadata: { name: 'db', namespace: 'default' },
  spec: {
    containers: [{ name: 'c', image: 'db:1' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  },
};

const findClaim = (cluster: Cluster) =>
  cluster.resources.find(PersistentVolumeClaimKind, 'default', 'data');
const findVolume = (cluster: Cluster) =>
  cluster.resources.find(PersistentVolumeKind, undefined, 'disk');

async function startCluster(): Promise<Cluster> {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
  }).start();
  await cluster.nodes.connect({ name: 'a' });
  return cluster;
}

test('a claim that a pod uses, and its volume, go when the pod is gone and not before', async () => {
  await using cluster = await startCluster();
  await cluster.create(PersistentVolumeKind, volume);
  await cluster.create(PersistentVolumeClaimKind, claim);
  await cluster.create(PodKind, pod);
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(PodKind, 'default', 'db');
    expect(status?.phase).toBe('Running');
    expect((await findVolume(cluster))?.status?.phase).toBe('Bound');
  });
  await cluster.resources.delete(PersistentVolumeClaimKind, 'default', 'data');
  await cluster.resources.delete(PersistentVolumeKind, undefined, 'disk');
  // Another claim that goes at once shows that the controllers have looked at these.
  await cluster.create(PersistentVolumeClaimKind, {
    ...claim,
    metadata: { name: 'other', namespace: 'default' },
  });
  await cluster.resources.delete(PersistentVolumeClaimKind, 'default', 'other');
  await vi.waitFor(async () => {
    const found = await cluster.resources.find(PersistentVolumeClaimKind, 'default', 'other');
    expect(found).toBeUndefined();
  });
  expect((await findClaim(cluster))?.metadata).toMatchObject({
    deletionTimestamp: expect.any(String) as string,
    finalizers: ['kubernetes.io/pvc-protection'],
  });
  expect((await findVolume(cluster))?.metadata.finalizers).toEqual(['kubernetes.io/pv-protection']);
  await cluster.resources.delete(PodKind, 'default', 'db');
  await vi.waitFor(async () => expect(await findClaim(cluster)).toBeUndefined());
  await vi.waitFor(async () => expect(await findVolume(cluster)).toBeUndefined());
});

test('a pod that has ended holds no claim', async () => {
  await using cluster = await startCluster();
  await cluster.create(PersistentVolumeKind, volume);
  await cluster.create(PersistentVolumeClaimKind, claim);
  await cluster.create(PodKind, pod);
  await vi.waitFor(async () => {
    const { status } = await cluster.resources.get(PodKind, 'default', 'db');
    expect(status?.phase).toBe('Running');
  });
  await cluster.resources.delete(PersistentVolumeClaimKind, 'default', 'data');
  await cluster.resources.mutateStatus(PodKind, 'default', 'db', (current) => ({
    ...current,
    status: { ...current.status, phase: 'Succeeded' as const },
  }));
  await vi.waitFor(async () => expect(await findClaim(cluster)).toBeUndefined());
});
