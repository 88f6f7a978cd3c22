import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubectlCluster, startCluster } from './cluster.ts';
import { deployment } from './manifests.ts';

let cluster: KubectlCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

const good = deployment('bad');
const big = JSON.stringify({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'bad' },
  data: { a: 'x'.repeat(4 * 1024 * 1024) },
});

test.each([
  ['malformed YAML', 'kind: [', 'error parsing STDIN'],
  ['malformed JSON', '{"kind": "ConfigMap", ', 'error parsing STDIN'],
  ['no kind', 'apiVersion: v1\nmetadata: {name: bad}', 'kind'],
  ['an unknown kind', good.replace('Deployment', 'Deploymint'), 'no matches for kind "Deploymint"'],
  ['another version', good.replace('apps/v1', 'apps/v9'), 'no matches for kind'],
  ['an unknown field', good.replace('replicas:', 'replicaz:'), 'unknown field "spec.replicaz"'],
  ['a wrong type', good.replace('replicas: 2', 'replicas: many'), 'spec.replicas'],
  [
    'negative replicas',
    good.replace('replicas: 2', 'replicas: -2'),
    'spec.replicas: Invalid value',
  ],
  [
    'a negative quantity',
    good.replace('cpu: 10m', 'cpu: -10m'),
    'must be greater than or equal to 0',
  ],
  ['an absurd quantity', good.replace('cpu: 10m', 'cpu: 10 litres'), 'cpu'],
  [
    'a bad name',
    good.replace('name: bad', 'name: Bad_Name'),
    'metadata.name: Invalid value: "Bad_Name"',
  ],
  [
    'a selector that misses',
    good.replace('matchLabels: { app: bad }', 'matchLabels: { app: x }'),
    'selector',
  ],
  [
    'no containers',
    good.replace(/containers:[^]*/, 'containers: []'),
    'spec.template.spec.containers',
  ],
  [
    'a duplicate port name',
    good.replace('[{ containerPort: 80 }]', '[{ containerPort: 99999 }]'),
    '99999',
  ],
  ['an object too large', big, 'the request is too large: the limit is 3145728 bytes'],
])('%s is refused clearly and stores nothing', async (_what, manifest, message) => {
  const { code, stderr } = await cluster.kubectl('create -f -', manifest);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
  for (const kind of ['deployments', 'configmaps']) {
    expect((await cluster.kubectl(`get ${kind} bad`)).stderr).toContain('not found');
  }
});

test('--validate=warn only warns', async () => {
  const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: warned}\nbogus: 1';
  const { code, stderr } = await cluster.kubectl('create --validate=warn -f -', manifest);
  expect([code, stderr]).toEqual([0, 'Warning: unknown field "bogus"\n']);
});

test('an apply that fails leaves the object as it was', async () => {
  await cluster.ok('apply -f -', deployment('steady'));
  const before = await cluster.ok('get deployment steady -o jsonpath={.metadata.generation}');
  const broken = deployment('steady').replace('memory: 16Mi', 'memory: -1');
  expect((await cluster.kubectl('apply -f -', broken)).code).toBe(1);
  expect(await cluster.ok('get deployment steady -o jsonpath={.metadata.generation}')).toBe(before);
});
