import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubectlCluster, startCluster } from './cluster.ts';
import { deployment } from './manifests.ts';

let cluster: KubectlCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

const nodeOf = (app: string) => `get pods -l app=${app} -o jsonpath={.items[*].spec.nodeName}`;

async function settle(app: string, replicas: number, cpu = '10m'): Promise<void> {
  await cluster.ok('apply -f -', deployment(app, { replicas, cpu }));
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

/** Nobody replaces it, so it stays where it is. */
const alone = `
apiVersion: v1
kind: Pod
metadata: { name: stays, labels: { app: stays } }
spec:
  containers: [{ name: web, image: 'web:1', resources: { requests: { cpu: '1' } } }]
`;

test('two pods change places for one that fits nowhere', async () => {
  await cluster.ok('cordon node-b');
  await settle('three', 1, '3');
  await cluster.ok('uncordon node-b');
  await cluster.ok('cordon node-a');
  await settle('two', 1, '2');
  await cluster.ok('apply -f -', alone);
  await cluster.until(nodeOf('stays'), /node-b/);
  await cluster.ok('uncordon node-a');
  await cluster.ok('apply -f -', deployment('waits', { replicas: 1, cpu: '1900m' }));
  await cluster.until('get pods -l app=waits -o yaml', /reason: Unschedulable/);

  const preview = await cluster.gantry('rebalance');
  expect(preview.stdout).toMatch(/^2 moves, one after the other: makes room for 1 pending pod/);
  const steps = preview.stdout.split('\n').filter((line) => line.startsWith('default/'));
  expect(steps).toEqual([
    expect.stringMatching(
      /two-\S+ .* node-b +node-a .*goes first and changes places with default\/three-/,
    ),
    expect.stringMatching(/three-\S+ .* node-a +node-b +makes room for default\/waits-/),
  ]);

  const made = await cluster.gantry('rebalance --yes');
  expect(made.stderr).toMatch(/moved default\/two-\S+ from node-b to node-a \(1 of 2\)\n/);
  expect(made.stderr).toMatch(/moved default\/three-\S+ from node-a to node-b \(2 of 2\)\n/);
  expect(made.code).toBe(0);
  await cluster.ok('rollout status deployment/waits --timeout=30s');
  const nodes = [await cluster.ok(nodeOf('two')), await cluster.ok(nodeOf('three'))];
  expect([...nodes, await cluster.ok(nodeOf('waits'))]).toEqual(['node-a', 'node-b', 'node-a']);
});
