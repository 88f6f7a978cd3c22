import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubectlCluster, startCluster } from './cluster.ts';
import { deployment } from './manifests.ts';

let cluster: KubectlCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

const nodeOf = (app: string) => `get pods -l app=${app} -o jsonpath={.items[*].spec.nodeName}`;

async function settle(app: string, replicas: number): Promise<void> {
  await cluster.ok('apply -f -', deployment(app, { replicas }));
  await cluster.ok(`rollout status deployment/${app} --timeout=30s`);
}

test('gantry rebalance shows the moves, makes them when told so, and frees the node', async () => {
  await cluster.ok('cordon node-b');
  await settle('many', 2);
  await cluster.ok('uncordon node-b');
  await cluster.ok('cordon node-a');
  await settle('few', 1);
  await cluster.ok('uncordon node-a');
  const preview = await cluster.gantry('rebalance');
  expect(preview.stderr).toBe('');
  expect(preview.stdout).toMatch(/^1 move, one after the other: frees 1 of 2 nodes in use/);
  expect(preview.stdout).toMatch(/default\/few-\S+ +ReplicaSet\/few-\S+ +node-b +node-a +frees/);
  expect(preview.stdout).toContain('Nothing was moved. Add --yes');
  expect(await cluster.ok(nodeOf('few'))).toBe('node-b');

  const made = await cluster.gantry('rebalance --yes');
  expect(made.stderr).toMatch(/moved default\/few-\S+ from node-b to node-a \(1 of 1\)\n/);
  expect(made.code).toBe(0);
  expect(await cluster.ok(nodeOf('few'))).toBe('node-a');
  expect(await cluster.ok('get rebalances')).toMatch(/rebalance-\S+ +Completed +1\/1/);
  await cluster.until('get events', /Rebalanced .*Evicted from node-b by rebalance/);
  const again = await cluster.gantry('rebalance --yes -o json');
  expect(JSON.parse(again.stdout)).toMatchObject({ status: { moves: [] } });
});
