import { expect, test } from 'vitest';
import { startApi, type ApiFixture } from '../testing/api-fixture.js';

const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
const pods = '/api/v1/namespaces/default/pods';

const priorityClass = (name: string, value: number, more: object = {}) => ({
  metadata: { name },
  value,
  ...more,
});
const pod = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'web:1' }], ...spec },
});

async function start(): Promise<ApiFixture> {
  const api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  return api;
}

test('a pod gets priority and preemption policy of its class, and keeps them when it is replaced', async () => {
  await using api = await start();
  await api.call('POST', classes, priorityClass('high', 1000, { preemptionPolicy: 'Never' }));
  const { status, body } = await api.call('POST', pods, pod('p', { priorityClassName: 'high' }));
  expect(status).toBe(201);
  expect(body.spec).toMatchObject({ priority: 1000, preemptionPolicy: 'Never' });
  const replaced = await api.call('PUT', `${pods}/p`, pod('p'));
  expect(replaced.body.spec).toMatchObject({ priorityClassName: 'high', priority: 1000 });
});

test('the default class serves pods that name none; the least of several counts', async () => {
  await using api = await start();
  await api.call('POST', pods, pod('before'));
  await api.call('POST', classes, priorityClass('usual', 7, { globalDefault: true }));
  await expect
    .poll(async () => (await api.call('POST', pods, pod(`p${Math.random()}`))).body.spec)
    .toMatchObject({ priorityClassName: 'usual', priority: 7 });
  const { status, body } = await api.call(
    'POST',
    classes,
    priorityClass('second', 8, { globalDefault: true }),
  );
  expect([status, body.message]).toEqual([403, expect.stringContaining('usual is already marked')]);
  await api.call('POST', classes, priorityClass('second', 8));
  const changed = await api.call('PUT', `${classes}/second`, {
    ...priorityClass('second', 8),
    globalDefault: true,
  });
  expect(changed.status).toBe(403);
  const old = await api.call('GET', `${pods}/before`);
  expect(old.body.spec.priority).toBe(0);
});

test.each([
  [{ priorityClassName: 'unknown' }, 'no PriorityClass with name unknown was found'],
  [{ priority: 5 }, 'the integer value of priority (5) must not be provided'],
  [
    { priorityClassName: 'system-node-critical', priority: 5 },
    'priority admission controller computed 2000001000',
  ],
  [
    { priorityClassName: 'system-node-critical', preemptionPolicy: 'Never' },
    'the string value of PreemptionPolicy (Never) must not be provided',
  ],
])('a pod with %o is forbidden', async (spec, message) => {
  await using api = await start();
  const { status, body } = await api.call('POST', pods, pod('p', spec));
  expect([status, body.reason]).toEqual([403, 'Forbidden']);
  expect(body.message).toContain(message);
});

test('system classes are known before they are stored, and nobody may make others', async () => {
  await using api = await start();
  const { body } = await api.call(
    'POST',
    pods,
    pod('p', { priorityClassName: 'system-cluster-critical' }),
  );
  expect(body.spec.priority).toBe(2_000_000_000);
  const other = await api.call('POST', classes, priorityClass('system-mine', 1));
  expect([other.status, other.body.message]).toEqual([422, expect.stringContaining('reserved')]);
  const large = await api.call('POST', classes, priorityClass('mine', 1_000_000_001));
  expect([large.status, large.body.message]).toEqual([422, expect.stringContaining('maximum')]);
});

test('value and policy of a class stand', async () => {
  await using api = await start();
  await api.call('POST', classes, priorityClass('c', 1));
  const { status, body } = await api.call('PUT', `${classes}/c`, priorityClass('c', 2));
  expect([status, body.message]).toEqual([422, expect.stringContaining('field is immutable')]);
});
