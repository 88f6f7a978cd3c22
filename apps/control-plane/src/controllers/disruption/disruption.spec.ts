import { expect, test, vi } from 'vitest';
import { DeploymentKind, PodDisruptionBudgetKind, PodKind, type Pod } from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { TestCluster } from '../testing/cluster.js';
import { budgetStatus } from './budget-status.js';

const nowMs = Date.parse('2026-11-21T12:00:00Z');
const agoS = (seconds: number) => new Date(nowMs - seconds * 1_000).toISOString();

const pod = (name: string, ready = true, going = false): Pod => ({
  metadata: { name, ...(going ? { deletionTimestamp: agoS(1) } : {}) },
  spec: { containers: [] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const four = [pod('a'), pod('b'), pod('c'), pod('d')];

type Numbers = [allowed: number, healthy: number, desired: number, expected: number];

test.each<[string, object, Pod[], number, Numbers]>([
  ['a number that must stay', { minAvailable: 3 }, four, 4, [1, 4, 3, 4]],
  ['more than there are', { minAvailable: 5 }, four, 4, [0, 4, 5, 4]],
  ['a share that must stay, rounded up', { minAvailable: '60%' }, four, 4, [1, 4, 3, 4]],
  [
    'a share of what is wanted, not of what is there',
    { minAvailable: '50%' },
    four,
    8,
    [0, 4, 4, 8],
  ],
  ['a number that may go', { maxUnavailable: 1 }, four, 4, [1, 4, 3, 4]],
  ['while one is missing', { maxUnavailable: 1 }, four, 5, [0, 4, 4, 5]],
  ['a share that may go, rounded up', { maxUnavailable: '30%' }, four, 4, [2, 4, 2, 4]],
  ['all may go', { maxUnavailable: '100%' }, four, 4, [4, 4, 0, 4]],
  ['none is ready', { minAvailable: 1 }, [pod('a', false)], 1, [0, 0, 1, 1]],
  ['one is going', { minAvailable: 1 }, [pod('a'), pod('b', true, true)], 2, [0, 1, 1, 2]],
  ['no pods', { minAvailable: 0 }, [], 0, [0, 0, 0, 0]],
  ['no bound at all', {}, four, 4, [0, 4, 0, 0]],
])('%s', (_title, spec, pods, wanted, [allowed, healthy, desired, expected]) => {
  const { status } = budgetStatus({ metadata: { generation: 2 }, spec }, { pods, wanted, nowMs });
  expect(status).toMatchObject({
    observedGeneration: 2,
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: [{ type: 'DisruptionAllowed', status: allowed > 0 ? 'True' : 'False' }],
  });
});

test('an eviction that was granted counts until the pod goes, or nobody carried it out', () => {
  const granted = { a: agoS(10), b: agoS(130), gone: agoS(10) };
  const budget = {
    metadata: {},
    spec: { minAvailable: 1 },
    status: {
      disruptedPods: granted,
      disruptionsAllowed: 0,
      currentHealthy: 0,
      desiredHealthy: 0,
      expectedPods: 0,
    },
  };
  const { status, nextMs } = budgetStatus(budget, { pods: four, wanted: 4, nowMs });
  expect(status).toMatchObject({ disruptedPods: { a: granted.a }, currentHealthy: 3 });
  expect(nextMs).toBe(nowMs + 110_000);
});

test('follows the pods of a Deployment, and an eviction takes what there is', async () => {
  await using cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
  }).start();
  await cluster.nodes.connect({ name: 'n' });
  const labels = { app: 'web' };
  await cluster.create(PodDisruptionBudgetKind, {
    metadata: { name: 'b', namespace: 'default' },
    spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
  });
  await cluster.create(DeploymentKind, {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'web:1' }] } },
    },
  });
  const status = async () =>
    (await cluster.resources.get(PodDisruptionBudgetKind, 'default', 'b')).status;
  const whole = { disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 };
  await vi.waitFor(async () => expect(await status()).toMatchObject(whole), { timeout: 10_000 });
  const [first, second] = await cluster.list(PodKind);
  await cluster.resources.evict('default', first!.metadata.name!);
  const again = () => cluster.resources.evict('default', second!.metadata.name!);
  await expect(again()).rejects.toMatchObject({ reason: 'TooManyRequests' });
  await vi.waitFor(
    async () => {
      expect((await cluster.list(PodKind)).map((p) => p.metadata.uid)).not.toContain(
        first!.metadata.uid,
      );
      expect(await status()).toMatchObject(whole);
    },
    { timeout: 10_000 },
  );
});
