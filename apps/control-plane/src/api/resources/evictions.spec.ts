import { PodDisruptionBudgetKind, PodKind } from '@gantry/api';
import { expect, test } from 'vitest';
import { startApi, type ApiFixture } from '../testing/api-fixture.js';

const pods = '/api/v1/namespaces/default/pods';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';

interface Situation {
  readonly phase?: string;
  readonly ready?: boolean;
}

async function running(api: ApiFixture, name: string, { phase, ready }: Situation = {}) {
  await api.call('POST', pods, {
    metadata: { name, labels: { app: 'web' } },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'web:1' }] },
  });
  await api.objects.mutate(PodKind, 'default', name, (pod) => ({
    ...pod,
    status: {
      phase: (phase ?? 'Running') as 'Running',
      conditions: [
        { type: 'Ready', status: (ready ?? true) ? ('True' as const) : ('False' as const) },
      ],
    },
  }));
}

async function budget(api: ApiFixture, status: object, spec: object = {}, name = 'b') {
  await api.call('POST', budgets, {
    metadata: { name },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } }, ...spec },
  });
  await api.objects.mutate(PodDisruptionBudgetKind, 'default', name, (current) => ({
    ...current,
    status: { ...current.status!, observedGeneration: 1, ...status },
  }));
}

async function start(): Promise<ApiFixture> {
  const api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  return api;
}

const evict = (api: ApiFixture, name: string, query = '', deleteOptions?: object) =>
  api.call('POST', `${pods}/${name}/eviction${query}`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name },
    ...(deleteOptions ? { deleteOptions } : {}),
  });

test('takes one disruption of the budget, marks the pod and deletes it gracefully', async () => {
  await using api = await start();
  await running(api, 'p');
  await budget(api, { disruptionsAllowed: 2, currentHealthy: 3, desiredHealthy: 1 });
  expect((await evict(api, 'p', '?dryRun=All')).status).toBe(201);
  expect((await api.call('GET', `${budgets}/b`)).body.status.disruptionsAllowed).toBe(2);
  expect((await evict(api, 'p')).status).toBe(201);
  const { status } = (await api.call('GET', `${budgets}/b`)).body;
  expect(status).toMatchObject({ disruptionsAllowed: 1, disruptedPods: { p: expect.any(String) } });
  const { body } = await api.call('GET', `${pods}/p`);
  expect(body.metadata.deletionTimestamp).toBeDefined();
  expect(body.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }),
  );
});

test('preconditions mean the pod as it was before it was marked', async () => {
  await using api = await start();
  await running(api, 'p');
  const { uid, resourceVersion } = (await api.call('GET', `${pods}/p`)).body.metadata;
  const stale = await evict(api, 'p', '', { preconditions: { uid, resourceVersion: '1' } });
  expect(stale.status).toBe(409);
  expect(stale.body.message).toContain('ResourceVersion in precondition: 1');
  expect((await api.call('GET', `${pods}/p`)).body.metadata.resourceVersion).toBe(resourceVersion);
  const right = await evict(api, 'p', '', { preconditions: { uid, resourceVersion } });
  expect(right.status).toBe(201);
  expect((await api.call('GET', `${pods}/p`)).body.metadata.deletionTimestamp).toBeDefined();
});

test('answers 429 with the cause when the budget has nothing left', async () => {
  await using api = await start();
  await running(api, 'p');
  await budget(api, { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1 });
  const { status, body } = await evict(api, 'p');
  expect(status).toBe(429);
  expect(body.reason).toBe('TooManyRequests');
  expect(body.message).toBe("Cannot evict pod as it would violate the pod's disruption budget.");
  expect(body.details.causes).toEqual([
    {
      reason: 'DisruptionBudget',
      message: 'The disruption budget b needs 1 healthy pods and has 1 currently',
    },
  ]);
  const pod = (await api.call('GET', `${pods}/p`)).body;
  expect(pod.metadata.deletionTimestamp).toBeUndefined();
});

test('a budget that was changed and not looked at yet lets nothing go, and says when to ask again', async () => {
  await using api = await start();
  await running(api, 'p');
  await budget(api, { observedGeneration: 0, disruptionsAllowed: 5 });
  const { status, headers } = await evict(api, 'p');
  expect([status, headers.get('retry-after')]).toEqual([429, '10']);
});

test('two budgets for one pod are an error', async () => {
  await using api = await start();
  await running(api, 'p');
  await budget(api, { disruptionsAllowed: 1 });
  await budget(api, { disruptionsAllowed: 1 }, {}, 'c');
  const { status, body } = await evict(api, 'p');
  expect([status, body.message]).toEqual([500, expect.stringContaining('more than one')]);
});

test.each<[string, Situation, object, object, number]>([
  ['pending', { phase: 'Pending' }, { disruptionsAllowed: 0 }, {}, 201],
  ['ended', { phase: 'Failed' }, { disruptionsAllowed: 0 }, {}, 201],
  [
    'unready with its budget whole',
    { ready: false },
    { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1 },
    {},
    201,
  ],
  [
    'unready with its budget broken',
    { ready: false },
    { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 1 },
    {},
    429,
  ],
  [
    'unready where that may always go',
    { ready: false },
    { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 1 },
    { unhealthyPodEvictionPolicy: 'AlwaysAllow' },
    201,
  ],
])('a pod that is %s', async (_title, situation, status, spec, expected) => {
  await using api = await start();
  await running(api, 'p', situation);
  await budget(api, status, spec);
  expect((await evict(api, 'p')).status).toBe(expected);
});

test('without a budget, and of a pod that is not there', async () => {
  await using api = await start();
  await running(api, 'p');
  expect((await evict(api, 'p')).status).toBe(201);
  expect((await evict(api, 'nobody')).status).toBe(404);
});
