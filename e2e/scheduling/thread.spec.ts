import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { NodeKind, PodKind, type Pod } from '@gantry/api';
import { ObjectStore } from '@gantry/controller';
import { EtcdStore } from '@gantry/store';
import { HollowNodes, startEtcd } from '@gantry/testing';
import { Connections } from '../bench/binding/connections.ts';
import { adminCredentials, startControlPlane } from '../cluster/control-plane-process.ts';
import { end, eventually } from '../cluster/process.ts';

let stack: AsyncDisposableStack;
afterEach(() => stack.disposeAsync());

const pod = (name: string, cpu: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu } } }] },
});

async function startBed() {
  stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-thread-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const etcd = await startEtcd();
  stack.defer(() => etcd.stop());
  const store = new EtcdStore({ endpoints: [etcd.endpoint] });
  stack.defer(() => store.close());
  const objects = new ObjectStore(store);
  const nodes = new HollowNodes({ objects });
  for (const name of ['a', 'b']) await nodes.connect({ name, allocatable: { cpu: '4' } });
  const start = async () => {
    const flags = ['--scheduling-thread=own', '--lease-seconds=2'];
    const plane = await startControlPlane({ dataDir, store: `etcd:${etcd.endpoint}`, flags });
    stack.defer(() => end(plane.child));
    const clients = new Connections(plane.apiUrl, await adminCredentials(dataDir), 1);
    stack.defer(() => clients.close());
    return { plane, clients };
  };
  return { objects, start };
}

test('in a thread of its own the scheduler binds, explains, counts, and hands over at the end', async () => {
  const { objects, start } = await startBed();
  const { plane, clients } = await start();
  const pods = '/api/v1/namespaces/default/pods';
  await clients.each(3, (i) => ['POST', pods, pod(`p${i}`, i < 2 ? '1' : '64')]);
  const node = async (name: string) =>
    (await objects.get<Pod>(PodKind, 'default', name))?.spec.nodeName;
  await eventually('two pods with a node', async () =>
    Boolean((await node('p0')) && (await node('p1'))),
  );
  const why = await clients.get(`${pods}/p2/why`);
  expect(JSON.parse(why)).toMatchObject({
    kind: 'PlacementExplanation',
    message: expect.stringContaining('64 asked'),
    nodes: [
      { name: 'a', fits: false },
      { name: 'b', fits: false },
    ],
  });
  const metrics = await clients.get('/metrics');
  expect(metrics).toMatch(/gantry_scheduling_attempts_total\{result="scheduled",reason=""\} 2/);
  expect((await objects.list(NodeKind)).items).toHaveLength(2);
  await end(plane.child);
  // The next one schedules what comes, on what this one left.
  const { clients: others } = await start();
  await others.each(1, () => ['POST', pods, pod('late', '1')]);
  await eventually('the late pod has a node', async () => Boolean(await node('late')));
});
