import { expect, test, vi } from 'vitest';
import {
  PersistentVolumeClaimKind,
  PersistentVolumeKind,
  PodGroupKind,
  podGroupLabel,
  PodKind,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { ClaimedVolumes } from '../agents/claimed-volumes.js';
import { TestCluster } from '../controllers/testing/cluster.js';
import { simulationResource } from './simulation/simulations.js';
import { whySubresource } from './why.js';

type Cluster = TestCluster<HollowNodes>;

async function startCluster(): Promise<Cluster> {
  const cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
  }).start();
  for (const name of ['a', 'b', 'c']) await cluster.nodes.connect({ name, labels: { host: name } });
  return cluster;
}

const volume = (name: string, host: string, storage = '10Gi') => ({
  metadata: { name },
  spec: {
    capacity: { storage },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'local',
    local: { path: `/mnt/${name}` },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'host', operator: 'In', values: [host] }] },
        ],
      },
    },
  },
});
const claim = (name: string, storage = '5Gi') => ({
  metadata: { name, namespace: 'default' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'local',
    resources: { requests: { storage } },
  },
});
const pod = (name: string, ...claims: string[]) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    containers: [
      {
        name: 'c',
        image: 'web:1',
        volumeMounts: claims.map((each) => ({ name: each, mountPath: `/${each}` })),
      },
    ],
    volumes: claims.map((claimName) => ({
      name: claimName,
      persistentVolumeClaim: { claimName, readOnly: claimName.endsWith('-ro') },
    })),
  },
});

/** As the API would store it. */
const ready = (object: ReturnType<typeof pod>) => ({ ...object, status: { phase: 'Pending' } });

const getPod = (cluster: Cluster, name: string): Promise<Pod> =>
  cluster.resources.get(PodKind, 'default', name);
const getClaim = (cluster: Cluster, name: string): Promise<PersistentVolumeClaim> =>
  cluster.resources.get(PersistentVolumeClaimKind, 'default', name);
const getVolume = (cluster: Cluster, name: string): Promise<PersistentVolume> =>
  cluster.resources.get(PersistentVolumeKind, undefined, name);

async function isOn(cluster: Cluster, name: string, node: string): Promise<void> {
  await vi.waitFor(async () => expect((await getPod(cluster, name)).spec.nodeName).toBe(node), {
    timeout: 8_000,
  });
}

test('a pod goes where a volume for its claim is, and both are bound with it', async () => {
  await using cluster = await startCluster();
  await cluster.create(PersistentVolumeKind, volume('large', 'b', '100Gi'));
  await cluster.create(PersistentVolumeKind, volume('right', 'c', '5Gi'));
  await cluster.create(PersistentVolumeKind, volume('small', 'a', '1Gi'));
  await cluster.create(PodKind, pod('p', 'data'));
  const message = async () => (await getPod(cluster, 'p')).status?.conditions?.[0]?.message;
  await vi.waitFor(async () =>
    expect(await message()).toContain('claim default/data does not exist'),
  );
  await cluster.create(PersistentVolumeClaimKind, claim('data'));
  await vi.waitFor(async () => expect((await getPod(cluster, 'p')).spec.nodeName).toMatch(/b|c/), {
    timeout: 8_000,
  });
  const { spec, status } = await getClaim(cluster, 'data');
  expect(status).toMatchObject({ phase: 'Bound', accessModes: ['ReadWriteOnce'] });
  const bound = await getVolume(cluster, spec.volumeName!);
  expect(bound.spec.local?.path).toBe(`/mnt/${spec.volumeName}`);
  expect(
    bound.spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values,
  ).toEqual([(await getPod(cluster, 'p')).spec.nodeName]);
  expect(bound.status?.phase).toBe('Bound');
  expect(bound.spec.claimRef).toMatchObject({ namespace: 'default', name: 'data' });
});

test('pods that come at once never get one volume twice; who is left waits for another', async () => {
  await using cluster = await startCluster();
  for (const host of ['a', 'b'])
    await cluster.create(PersistentVolumeKind, volume(`v-${host}`, host));
  for (const i of [0, 1, 2]) await cluster.create(PersistentVolumeClaimKind, claim(`data-${i}`));
  await Promise.all([0, 1, 2].map((i) => cluster.create(PodKind, pod(`p-${i}`, `data-${i}`))));
  const bound = async () => (await cluster.list(PodKind)).filter((p) => p.spec.nodeName);
  await vi.waitFor(async () => expect(await bound()).toHaveLength(2), { timeout: 8_000 });
  const volumes = (await cluster.list(PersistentVolumeClaimKind)).flatMap(
    (c) => c.spec.volumeName ?? [],
  );
  expect(volumes.sort()).toEqual(['v-a', 'v-b']);
  await cluster.create(PersistentVolumeKind, volume('v-c', 'c'));
  await vi.waitFor(async () => expect(await bound()).toHaveLength(3), { timeout: 8_000 });
});

test('a bound claim keeps its pods at its volume, and two claims must be near each other', async () => {
  await using cluster = await startCluster();
  for (const name of ['a1', 'a2', 'b1']) {
    await cluster.create(PersistentVolumeKind, volume(name, name[0]!));
  }
  await cluster.create(PersistentVolumeClaimKind, {
    ...claim('one'),
    spec: { ...claim('one').spec, volumeName: 'a1' },
  });
  await cluster.create(PersistentVolumeClaimKind, claim('two'));
  await cluster.create(PodKind, pod('p', 'one', 'two'));
  await isOn(cluster, 'p', 'a');
  expect((await getClaim(cluster, 'two')).spec.volumeName).toBe('a2');
  await cluster.create(PodKind, pod('again', 'one'));
  await isOn(cluster, 'again', 'a');
});

test('a volume whose claim is gone is kept and given to nobody', async () => {
  await using cluster = await startCluster();
  await cluster.create(PersistentVolumeKind, volume('v', 'a'));
  await cluster.create(PersistentVolumeClaimKind, claim('data'));
  await cluster.create(PodKind, pod('p', 'data'));
  await isOn(cluster, 'p', 'a');
  await cluster.resources.delete(PodKind, 'default', 'p', { gracePeriodSeconds: 0 });
  await cluster.resources.delete(PersistentVolumeClaimKind, 'default', 'data');
  await vi.waitFor(async () =>
    expect((await getVolume(cluster, 'v')).status?.phase).toBe('Released'),
  );
  await cluster.create(PersistentVolumeClaimKind, claim('data'));
  await cluster.create(PodKind, pod('q', 'data'));
  await vi.waitFor(async () =>
    expect((await getPod(cluster, 'q')).status?.conditions?.[0]?.message).toContain(
      'claim default/data has no volume and none that is free suits it',
    ),
  );
});

test('the agent gets the directory of the volume in place of the claim', async () => {
  await using cluster = await startCluster();
  const claimed = new ClaimedVolumes(cluster.context.informers);
  await cluster.create(PersistentVolumeKind, volume('v', 'a'));
  await cluster.create(PersistentVolumeClaimKind, claim('data-ro'));
  const asked = await cluster.create<Pod>(PodKind, pod('p', 'data-ro'));
  expect(claimed.resolve(asked)).toBeUndefined();
  await isOn(cluster, 'p', 'a');
  await vi.waitFor(() => expect(claimed.resolve(asked)).toBeDefined());
  const { spec } = claimed.resolve(await getPod(cluster, 'p'))!;
  expect(spec.volumes).toEqual([
    { name: 'data-ro', hostPath: { path: '/mnt/v', type: 'Directory' } },
  ]);
  expect(spec.containers[0]!.volumeMounts).toEqual([
    { name: 'data-ro', mountPath: '/data-ro', readOnly: true },
  ]);
});

test('pods that share an unbound claim go to the one volume that it gets', async () => {
  await using cluster = await startCluster();
  for (const host of ['a', 'b', 'c']) {
    await cluster.create(PersistentVolumeKind, volume(`v-${host}`, host));
  }
  await cluster.create(PersistentVolumeClaimKind, claim('data'));
  // One transaction: both are there before either can be tried.
  const both = [0, 1].map((i) => ({
    type: 'create',
    kind: PodKind,
    object: ready(pod(`p-${i}`, 'data')),
  }));
  await cluster.objects.transact(both as never);
  const { spec } = await vi.waitFor(async () => {
    const found = await getClaim(cluster, 'data');
    expect(found.status?.phase).toBe('Bound');
    return found;
  });
  const host = spec.volumeName!.slice('v-'.length);
  for (const i of [0, 1]) await isOn(cluster, `p-${i}`, host);
});

test('a gang that shares an unbound claim meets at its volume, though it would rather be apart', async () => {
  await using cluster = await startCluster();
  for (const host of ['a', 'b', 'c']) {
    await cluster.create(PersistentVolumeKind, volume(`v-${host}`, host));
  }
  await cluster.create(PersistentVolumeClaimKind, claim('data'));
  await cluster.create(PodGroupKind, {
    metadata: { name: 'crew', namespace: 'default' },
    spec: { minMember: 2 },
  });
  const constraint = {
    maxSkew: 1,
    topologyKey: 'host',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: { app: 'crew' } },
  };
  for (const name of ['p', 'q']) {
    const member = pod(name, 'data');
    Object.assign(member.metadata, { labels: { app: 'crew', [podGroupLabel]: 'crew' } });
    Object.assign(member.spec, { topologySpreadConstraints: [constraint] });
    await cluster.create(PodKind, member);
  }
  await vi.waitFor(
    async () => {
      const nodes = [await getPod(cluster, 'p'), await getPod(cluster, 'q')].map(
        ({ spec }) => spec.nodeName,
      );
      expect(nodes[0]).toBeDefined();
      expect(nodes[1]).toBe(nodes[0]);
    },
    { timeout: 8_000 },
  );
});

test('why and simulate know volumes too, also where nobody leads', async () => {
  await using cluster = await startCluster();
  await cluster.create(PersistentVolumeKind, volume('v', 'a'));
  await cluster.create(PersistentVolumeClaimKind, claim('data'));
  await cluster.create(PodKind, pod('p', 'data', 'other'));
  const { resources } = cluster;
  const ask = { method: 'GET', namespace: 'default', name: 'p' };
  const why = whySubresource({ resources, leading: () => undefined });
  const { json } = (await why.handle(ask as never)) as { json: { message: string } };
  expect(json.message).toContain('claim default/other does not exist');
  const named = { ...pod('q', 'missing'), apiVersion: 'v1', kind: 'Pod' };
  const body = { spec: { objects: [named] } };
  const answer = await simulationResource({ resources }).handle({ body } as never);
  const { status } = (answer as { json: { status: { fits: boolean; refused: object[] } } }).json;
  expect(status.fits).toBe(false);
  expect(JSON.stringify(status.refused)).toContain('claim default/missing does not exist');
});
