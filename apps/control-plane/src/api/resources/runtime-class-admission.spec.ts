import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
const classes = '/apis/node.k8s.io/v1/runtimeclasses';
const pods = '/api/v1/namespaces/default/pods';
const toleration = { key: 'sandboxed', operator: 'Exists', effect: 'NoSchedule' };

beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  const scheduling = { nodeSelector: { sandbox: 'yes' }, tolerations: [toleration] };
  const overhead = { podFixed: { cpu: '250m', memory: '64Mi' } };
  const object = { metadata: { name: 'kata' }, handler: 'kata-qemu', overhead, scheduling };
  expect((await api.call('POST', classes, object)).status).toBe(201);
});
afterAll(() => api[Symbol.asyncDispose]());

const create = (name: string, spec: object) =>
  api.call('POST', pods, {
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
  });

test('a pod gets the overhead, the node selector and the tolerations of its class, once', async () => {
  const spec = {
    runtimeClassName: 'kata',
    nodeSelector: { disk: 'ssd' },
    tolerations: [toleration],
  };
  const { status, body } = await create('boxed', spec);
  expect(status).toBe(201);
  expect(body.spec).toMatchObject({
    overhead: { cpu: '250m', memory: '64Mi' },
    nodeSelector: { disk: 'ssd', sandbox: 'yes' },
  });
  const own = body.spec.tolerations.filter(({ key }: { key: string }) => key === 'sandboxed');
  expect(own).toEqual([toleration]);
});

test.each<[string, object, string]>([
  ['a class that is not there', { runtimeClassName: 'gvisor' }, 'RuntimeClass "gvisor" not found'],
  ['an overhead of its own', { overhead: { cpu: '1' } }, 'spec.overhead is set without'],
  ['another overhead', { runtimeClassName: 'kata', overhead: { cpu: '1' } }, 'is not that of'],
  [
    'another node',
    { runtimeClassName: 'kata', nodeSelector: { sandbox: 'no' } },
    'spec.nodeSelector sandbox=no conflicts with RuntimeClass "kata", which wants sandbox=yes',
  ],
])('a pod with %s is refused', async (_, spec, message) => {
  const { status, body } = await create('refused', spec);
  expect([status, body.reason]).toEqual([403, 'Forbidden']);
  expect(body.message).toContain(`pods "refused" is forbidden: `);
  expect(body.message).toContain(message);
});

test.each<[string, object, string]>([
  ['no handler', {}, 'handler'],
  ['a handler that is none', { handler: 'Not/One' }, 'handler'],
  ['a negative overhead', { handler: 'a', overhead: { podFixed: { cpu: '-1' } } }, 'podFixed[cpu]'],
  ['a bad label', { handler: 'a', scheduling: { nodeSelector: { '': 'x' } } }, 'nodeSelector'],
  [
    'a bad toleration',
    { handler: 'a', scheduling: { tolerations: [{ operator: 'Equal' }] } },
    'scheduling.tolerations[0].operator',
  ],
])('a class with %s is refused', async (_, fields, field) => {
  const { status, body } = await api.call('POST', classes, {
    metadata: { name: 'bad' },
    ...fields,
  });
  expect(status).toBe(422);
  expect(body.message).toContain(field);
});

test('the handler of a class stands', async () => {
  const { body } = await api.call('GET', `${classes}/kata`);
  const changed = await api.call('PUT', `${classes}/kata`, { ...body, handler: 'other' });
  expect(changed.status).toBe(422);
  expect(changed.body.message).toContain('handler: Invalid value: "other": field is immutable');
});
