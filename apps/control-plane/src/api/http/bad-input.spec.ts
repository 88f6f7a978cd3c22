import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const strict = '?fieldValidation=Strict';

beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
afterAll(() => api[Symbol.asyncDispose]());

// Whatever was refused must not have left anything behind.
afterEach(async () => {
  for (const path of [maps, pods]) expect((await api.call('GET', path)).body.items).toEqual([]);
});

const yaml = { 'content-type': 'application/yaml' };
const pod = (name: string, container = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'x', ...container }] },
});
const requests = (cpu: unknown) => ({ resources: { requests: { cpu } } });

test.each<[string, string, unknown, Record<string, string>, number, string]>([
  ['an empty body', maps, '', {}, 400, 'empty'],
  ['malformed JSON', maps, '{"metadata":', {}, 400, 'not valid JSON'],
  ['malformed YAML', maps, 'metadata: [a', yaml, 400, 'not valid YAML'],
  ['a YAML key twice', maps, 'data: {a: "1", a: "2"}', yaml, 400, 'unique'],
  ['a YAML list', maps, '- a', yaml, 400, 'JSON object'],
  ['a JSON list', maps, [], {}, 400, 'JSON object'],
  ['an unknown type', maps, 'x', { 'content-type': 'text/x' }, 415, 'application/yaml'],
  ['no media type at all', maps, 'x', { 'content-type': '///' }, 415, 'edia'],
  ['another kind', maps, { kind: 'Pod', metadata: { name: 'x' } }, {}, 400, 'kind'],
  ['another version', maps, { apiVersion: 'v2', metadata: { name: 'x' } }, {}, 400, 'API version'],
  ['a wrong type', maps, { metadata: { name: 'x' }, data: { a: 1 } }, {}, 400, 'data.a'],
  ['no name', maps, { metadata: {} }, {}, 422, 'metadata.name'],
  ['a name that is none', pods, pod('Web_1'), {}, 422, 'metadata.name'],
  ['a name with a slash', maps, { metadata: { name: 'a/b' } }, {}, 422, 'metadata.name'],
  [
    'a bad label',
    maps,
    { metadata: { name: 'x', labels: { a: '?' } } },
    {},
    422,
    'metadata.labels',
  ],
  [
    'a version',
    maps,
    { metadata: { name: 'x', resourceVersion: '5' } },
    {},
    400,
    'resourceVersion',
  ],
  ['a negative request', pods, pod('x', requests('-1')), {}, 422, 'greater than or equal to 0'],
  ['an absurd request', pods, pod('x', requests('lots')), {}, 400, 'cpu'],
  ['a duplicate container', pods, twice(), {}, 422, 'spec.containers[1].name'],
])('refuses %s', async (_what, path, body, headers, code, text) => {
  const answer = await api.call('POST', path, body, headers);
  expect(answer.status).toBe(code);
  expect(answer.body).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code });
  expect(JSON.stringify(answer.body)).toContain(text);
});

function twice() {
  const [container] = pod('x').spec.containers;
  return { metadata: { name: 'x' }, spec: { containers: [container, container] } };
}

test('unknown and duplicate fields: refused, warned about, or ignored, as asked', async () => {
  const body = '{"metadata":{"name":"fields"},"bogus":1,"data":{"a":"1","a":"2"}}';
  const refused = await api.call('POST', `${maps}${strict}`, body);
  expect([refused.status, refused.body.message]).toEqual([
    400,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ' +
      'unknown field "bogus", duplicate field "data.a"',
  ]);
  for (const mode of ['Warn', 'Ignore']) {
    const taken = await api.call('POST', `${maps}?dryRun=All&fieldValidation=${mode}`, body);
    expect([taken.status, taken.body.bogus]).toEqual([201, undefined]);
    const warning = taken.headers.get('warning');
    if (mode === 'Warn') expect(warning).toContain('299 - "unknown field \\"bogus\\""');
    else expect(warning).toBeNull();
  }
});

test('an object that is too large is refused with its size and the limit', async () => {
  const annotations = { note: 'x'.repeat(300 * 1024) };
  const annotated = await api.call('POST', maps, { metadata: { name: 'a', annotations } });
  expect([annotated.status, annotated.body.details.causes[0].field]).toEqual([
    422,
    'metadata.annotations',
  ]);
  const data = { a: 'x'.repeat(1_048_577) };
  expect((await api.call('POST', maps, { metadata: { name: 'a' }, data })).status).toBe(422);
  const env = Array.from({ length: 17_000 }, (_, i) => ({ name: `V${i}`, value: 'x'.repeat(80) }));
  const stored = await api.call('POST', pods, pod('huge', { env }));
  expect([stored.status, stored.body.reason]).toEqual([413, 'RequestEntityTooLarge']);
  expect(stored.body.message).toMatch(/^pods "huge" is too large: .*1500000 bytes/);
  const body = await api.call('POST', maps, { data: { a: 'x'.repeat(4 * 1024 * 1024) } });
  expect([body.status, body.body.message]).toEqual([
    413,
    'the request is too large: the limit is 3145728 bytes (3 MiB)',
  ]);
});

test.each([
  ['GET', '/api/v1/namespaces/default/gadgets', 404],
  ['GET', '/apis/apps/v2/deployments', 404],
  ['GET', '/apis/example.com/v1', 404],
  ['GET', '/api/v1/namespaces/default/pods/x/nothing', 404],
  ['GET', '/api/v1/namespaces/default/pods/x/log/more', 404],
  ['GET', '/api/v1/pods/x', 400],
  ['POST', '/api/v1/namespaces/default/pods/x', 405],
  ['PUT', '/api/v1/namespaces/default/pods', 405],
  ['DELETE', '/api/v1/namespaces/default/pods/x/status', 405],
  ['POST', '/api', 405],
  ['GET', '/api/v1/namespaces/default/pods/%2e%2e%2fsecrets', 400],
])('%s %s is answered with a Status of %i', async (method, path, code) => {
  const { status, body } = await api.call(method, path, method === 'GET' ? undefined : {});
  expect([status, body.kind, body.code]).toEqual([code, 'Status', code]);
});

test('an answer nobody can read is refused', async () => {
  const accept = 'application/vnd.kubernetes.protobuf';
  const { status, body } = await api.call('GET', maps, undefined, { accept });
  expect([status, body.reason]).toEqual([406, 'NotAcceptable']);
  const both = await api.call('GET', maps, undefined, { accept: `${accept}, */*` });
  expect(both.status).toBe(200);
});

test.each([
  ['DELETE', `${maps}/x`, { gracePeriodSeconds: 'soon' }, 'gracePeriodSeconds'],
  ['DELETE', `${maps}/x`, { propagationPolicy: 'Sideways' }, 'propagationPolicy'],
  ['DELETE', `${maps}/x`, { preconditions: { uid: 5 } }, 'preconditions.uid'],
  ['POST', `${maps}?dryRun=Some`, { metadata: { name: 'x' } }, 'dryRun'],
  ['POST', `${maps}?fieldValidation=Maybe`, { metadata: { name: 'x' } }, 'fieldValidation'],
  ['POST', `${pods}/x/binding`, { kind: 'Pod' }, 'Binding'],
  ['POST', `${pods}/x/binding`, { target: {} }, 'target.name'],
  ['POST', `${pods}/x/eviction`, { metadata: { name: 'y' } }, 'does not match the name on the URL'],
])('%s %s names the parameter that is wrong', async (method, path, sent, text) => {
  const { status, body } = await api.call(method, path, sent);
  expect([400, 422]).toContain(status);
  expect(body.message).toContain(text);
});
