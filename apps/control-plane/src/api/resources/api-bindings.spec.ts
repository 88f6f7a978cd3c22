import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
const pods = '/api/v1/namespaces/default/pods';
const roomFor = 60;

beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  const allocatable = { cpu: String(roomFor), memory: '64Gi', pods: '1000' };
  await api.call('POST', '/api/v1/nodes', { metadata: { name: 'n1' } });
  const { status } = await api.call('PUT', '/api/v1/nodes/n1/status', {
    metadata: { name: 'n1' },
    status: { allocatable, capacity: allocatable },
  });
  expect(status).toBe(200);
});
afterAll(() => api[Symbol.asyncDispose]());

const pod = (name: string) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i:1', resources: { requests: { cpu: '1' } } }] },
});

const bind = async (name: string, uid?: string) => {
  const body = { metadata: { name, uid }, target: { kind: 'Node', name: 'n1' } };
  return (await api.call('POST', `${pods}/${name}/binding`, body)).status;
};

test('bindings that come at once are made up to what fits, and each is told its own outcome', async () => {
  const names = Array.from({ length: roomFor + 20 }, (_, i) => `pod-${i}`);
  await Promise.all(names.map((name) => api.call('POST', pods, pod(name))));
  const odd = [bind('pod-0', 'another'), bind('nobody')];
  const statuses = await Promise.all([...names, 'pod-1'].map((name) => bind(name)));
  expect(await Promise.all(odd)).toEqual([409, 404]);
  expect(statuses.filter((status) => status === 201)).toHaveLength(roomFor);
  expect(statuses.filter((status) => status === 409)).toHaveLength(21);
  const { items } = (await api.call('GET', pods)).body;
  const bound = items.filter(
    (each: { spec: { nodeName?: string } }) => each.spec.nodeName === 'n1',
  );
  expect(bound).toHaveLength(roomFor);
});
