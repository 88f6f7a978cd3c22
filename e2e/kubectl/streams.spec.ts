import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubectlCluster, startCluster } from './cluster.ts';

let cluster: KubectlCluster;
const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'talker', labels: { app: 'talker' } },
  spec: { nodeSelector: { scripted: 'yes' }, containers: [{ name: 'main', image: 'talker:1' }] },
});

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.join('scripted-1');
  await cluster.ok('create -f -', pod);
  await cluster.ok('wait --for=condition=Ready pod/talker --timeout=30s');
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

test('logs: all, the end, by label, of the former container, and as they come', async () => {
  expect(await cluster.ok('logs talker')).toBe('first\nsecond\nthird\n');
  expect(await cluster.ok('logs talker -c main --tail=1')).toBe('third\n');
  expect(await cluster.ok('logs -l app=talker --prefix')).toMatch(/^\[pod\/talker\/main\] first$/m);
  expect(await cluster.ok('logs talker --previous')).toBe('former life\n');
  await using follow = cluster.start('logs -f talker');
  await follow.saying(/third\nfollowed\n/);
  expect(await follow.ended).toBe(0);
});

test('exec: output, input and exit codes', async () => {
  expect(await cluster.ok('exec talker -- echo hello')).toBe('hello\n');
  expect(await cluster.ok('exec -i talker -- cat', 'through\n')).toBe('through\n');
  const failed = await cluster.kubectl(`exec talker -- sh -c 'echo oops >&2; exit 7'`);
  expect([failed.code, failed.stderr]).toEqual([7, 'oops\ncommand terminated with exit code 7\n']);
});

test('says what is wrong with a stream', async () => {
  const container = await cluster.kubectl('logs talker -c other');
  expect([container.code, container.stderr]).toEqual([1, expect.stringContaining('other')]);
  const missing = await cluster.kubectl('exec nobody -- true');
  expect([missing.code, missing.stderr]).toEqual([
    1,
    'Error from server (NotFound): pods "nobody" not found\n',
  ]);
});

test('a pod on a live node goes once its agent has let go of it', async () => {
  expect(await cluster.ok('get pod talker')).toMatch(/talker +1\/1 +Running/);
  expect(await cluster.ok('delete pod talker --timeout=30s')).toBe('pod "talker" deleted\n');
});
