import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { DeploymentKind, PodKind, ReplicaSetKind, type Deployment } from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { isActive, readySince } from '../replica-set/pod-order.js';
import { TestCluster } from '../testing/cluster.js';
import { RolloutWatch } from './rollout-watch.js';

type Step =
  | { readonly type: 'image'; readonly image: string }
  | { readonly type: 'scale'; readonly replicas: number }
  | { readonly type: 'restart' }
  | { readonly type: 'settle' };

const images = ['web:1', 'web:2', 'web:3'];
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...images).map((image) => ({ type: 'image' as const, image })),
  },
  { weight: 2, arbitrary: fc.nat(6).map((replicas) => ({ type: 'scale' as const, replicas })) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'settle' as const }) },
);
const bounds = fc.constantFrom(
  { maxSurge: 1, maxUnavailable: 0 },
  { maxSurge: 0, maxUnavailable: 1 },
  { maxSurge: 2, maxUnavailable: 2 },
  { maxSurge: '25%', maxUnavailable: '25%' },
  { maxSurge: '100%', maxUnavailable: 0 },
);

type Cluster = TestCluster<HollowNodes>;

async function startCluster(delays: readonly number[]): Promise<Cluster> {
  let turn = 0;
  const delayMs = () => delays[turn++ % delays.length]!;
  // What controllers see is late by other times, kind by kind.
  const lagMs = () => Math.floor(delays[turn++ % delays.length]! / 2);
  const nodes = (objects: Cluster['objects']) => new HollowNodes({ objects, delayMs });
  const cluster = await new TestCluster({ nodes, lagMs }).start();
  for (const name of ['a', 'b', 'c']) await cluster.nodes.connect({ name });
  return cluster;
}

const deployment = (rollingUpdate: object) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 4,
    strategy: { type: 'RollingUpdate', rollingUpdate },
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'web:1' }] },
    },
  },
});

const edit = (cluster: Cluster, change: (d: Deployment) => void) =>
  cluster.resources.mutate(DeploymentKind, 'default', 'web', (current) => {
    change(current);
    return current;
  });

/** All is as the spec wishes, in the status as in truth. */
async function settled(cluster: Cluster): Promise<void> {
  await vi.waitFor(
    async () => {
      const { spec, status, metadata } = await cluster.resources.get(
        DeploymentKind,
        'default',
        'web',
      );
      const { replicas } = spec;
      const pods = await cluster.list(PodKind);
      const good = pods.filter((p) => isActive(p) && readySince(p) !== undefined);
      const wanted = spec.template.spec.containers[0]!.image;
      expect(good.map((p) => p.spec.containers[0]!.image)).toEqual(Array(replicas).fill(wanted));
      expect(pods).toHaveLength(replicas!);
      expect(status?.observedGeneration).toBe(metadata.generation);
      expect([status?.replicas, status?.updatedReplicas, status?.availableReplicas]).toEqual(
        Array(3).fill(replicas),
      );
      const sizes = (await cluster.list(ReplicaSetKind)).map((set) => set.spec.replicas ?? 0);
      expect(sizes.reduce((a, b) => a + b, 0)).toBe(replicas);
    },
    { timeout: 10_000, interval: 10 },
  );
}

async function take(cluster: Cluster, next: Step): Promise<void> {
  if (next.type === 'settle') return settled(cluster);
  if (next.type === 'restart') return cluster.restartControllers();
  // Bounds are about one wished number, so it changes between rollouts only.
  if (next.type === 'scale') await settled(cluster);
  await edit(cluster, (d) => {
    if (next.type === 'scale') d.spec.replicas = next.replicas;
    else d.spec.template.spec.containers[0]!.image = next.image;
  });
}

test('rollouts converge and keep their bounds under random changes and new leaders', async () => {
  const steps = fc.array(step, { minLength: 2, maxLength: 10 });
  const delays = fc.array(fc.nat(8), { minLength: 1, maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(bounds, steps, delays, async (rollingUpdate, taken, slow) => {
      await using cluster = await startCluster(slow);
      const stop = new AbortController();
      const watch = new RolloutWatch(cluster.store, 'web');
      const watching = watch.run(stop.signal);
      await cluster.create(DeploymentKind, deployment(rollingUpdate));
      for (const next of taken) await take(cluster, next);
      await settled(cluster);
      stop.abort();
      await watching.catch(() => undefined);
      expect(watch.violations).toEqual([]);
    }),
    { numRuns: 20, endOnFailure: true },
  );
}, 120_000);

test('pods come back whatever is deleted, however often the leader changes', async () => {
  const kills = fc.array(fc.tuple(fc.nat(9), fc.boolean()), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(kills, async (plan) => {
      await using cluster = await startCluster([0, 3]);
      await cluster.create(DeploymentKind, deployment({ maxSurge: 1, maxUnavailable: 1 }));
      for (const [which, isRestarting] of plan) {
        const pods = await cluster.list(PodKind);
        const pod = pods[which % Math.max(1, pods.length)];
        const gone = () => undefined;
        if (pod) await cluster.resources.delete(PodKind, 'default', pod.metadata.name!).catch(gone);
        if (isRestarting) await cluster.restartControllers();
      }
      await settled(cluster);
    }),
    { numRuns: 12, endOnFailure: true },
  );
}, 120_000);
