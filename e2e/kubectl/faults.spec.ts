import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubectlCluster, startCluster } from './cluster.ts';
import { configMap } from './manifests.ts';

let cluster: KubectlCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

test('without its store the API says so, and goes on with all watches when it is back', async () => {
  await cluster.ok('create -f -', configMap('before', {}));
  await using watch = cluster.start('get configmaps -w -o name');
  await watch.saying(/configmap\/before/);
  await cluster.etcd.kill();
  const down = await cluster.kubectl('get configmaps');
  expect(down.code).toBe(1);
  expect(down.stderr).toContain('Error from server (ServiceUnavailable)');
  const write = await cluster.kubectl('create -f -', configMap('lost', {}));
  expect(write.code).toBe(1);
  await cluster.etcd.start();
  await cluster.until('get configmaps -o name', /configmap\/before/);
  await cluster.ok('create -f -', configMap('after', {}));
  await watch.saying(/configmap\/after/);
});
