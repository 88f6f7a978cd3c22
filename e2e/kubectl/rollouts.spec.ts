import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubectlCluster, startCluster } from './cluster.ts';
import { deployment } from './manifests.ts';

let cluster: KubectlCluster;
beforeAll(async () => {
  cluster = await startCluster();
  await cluster.ok('apply -f -', deployment('web', { replicas: 3 }));
  await cluster.ok('rollout status deployment/web --timeout=30s');
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

const image = () =>
  cluster.ok('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}');
const roll = () => cluster.ok('rollout status deployment/web --timeout=30s');

test('status follows a rollout to its end', async () => {
  await using status = cluster.start('rollout status deployment/web -w --timeout=30s');
  await status.saying(/successfully rolled out/);
  expect(await status.ended).toBe(0);
  await cluster.ok('set image deployment/web web=web:2');
  expect(await roll()).toContain('deployment "web" successfully rolled out');
  expect(
    await cluster.ok('get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}'),
  ).toMatch(/^web:2( web:2)*$/);
});

test('history lists revisions and shows one', async () => {
  await cluster.ok('annotate deployment web kubernetes.io/change-cause=second --overwrite');
  await cluster.until('rollout history deployment/web', /second/);
  const history = await cluster.ok('rollout history deployment/web');
  expect(history).toMatch(/REVISION +CHANGE-CAUSE\n1 +<none>\n2 +second/);
  expect(await cluster.ok('rollout history deployment/web --revision=1')).toMatch(/Image:\s+web:1/);
});

test('undo goes back, to the last or to a named revision', async () => {
  await cluster.ok('rollout undo deployment/web');
  await roll();
  expect(await image()).toBe('web:1');
  await cluster.ok('rollout undo deployment/web --to-revision=2');
  await roll();
  expect(await image()).toBe('web:2');
  const { code, stderr } = await cluster.kubectl('rollout undo deployment/web --to-revision=99');
  expect([code, stderr]).toEqual([1, 'error: unable to find specified revision 99 in history\n']);
});

test('restart replaces every pod', async () => {
  const names = () => cluster.ok('get pods -l app=web -o name');
  const before = (await names()).trim().split('\n');
  await cluster.ok('rollout restart deployment/web');
  await roll();
  await cluster.until('get pods -l app=web -o name', /^(?:pod\S+\n){3}$/);
  const after = (await names()).trim().split('\n');
  expect(after.filter((name) => before.includes(name))).toEqual([]);
});

test('a paused rollout waits until it is resumed', async () => {
  await cluster.ok('rollout pause deployment/web');
  await cluster.ok('set image deployment/web web=web:7');
  expect((await cluster.kubectl('rollout restart deployment/web')).stderr).toContain('paused');
  await cluster.until(
    'get deployment web -o jsonpath={.status.conditions[*].reason}',
    /DeploymentPaused/,
  );
  expect(
    await cluster.ok('get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}'),
  ).not.toContain('web:7');
  await cluster.ok('rollout resume deployment/web');
  await roll();
  await cluster.until(
    'get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}',
    /^web:7( web:7)*$/,
  );
});
