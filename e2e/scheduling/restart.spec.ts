import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NamespaceKind, NodeKind, PodKind } from '@gantry/api';
import { ObjectStore } from '@gantry/controller';
import { EtcdStore } from '@gantry/store';
import { startEtcdMembers } from '@gantry/testing';
import { expect, test } from 'vitest';
import { Fleet } from '../bench/binding/fleet.ts';
import { startControlPlane } from '../cluster/control-plane-process.ts';
import { end, eventually } from '../cluster/process.ts';

const [nodes, pods] = [4, 40];

async function startStore(stack: AsyncDisposableStack) {
  const [etcd] = await startEtcdMembers(1);
  stack.defer(() => etcd!.stop());
  const store = new EtcdStore({ endpoints: [etcd!.endpoint] });
  stack.defer(() => store.close());
  const [objects, fleet] = [new ObjectStore(store), new Fleet(nodes, pods)];
  for (let i = 0; i < fleet.namespaces; i++)
    await objects.create(NamespaceKind, fleet.namespace(i));
  for (let i = 0; i < nodes; i++) await objects.create(NodeKind, fleet.node(i));
  for (let i = 0; i < pods; i++) await objects.create(PodKind, fleet.pod(i));
  return { objects, fleet, location: `etcd:${etcd!.endpoint}` };
}

test.each(['main', 'own'])(
  'a control plane that was killed schedules from its checkpoint, its scheduler in the thread: %s',
  async (thread) => {
    await using stack = new AsyncDisposableStack();
    const { objects, fleet, location } = await startStore(stack);
    const dataDir = await mkdtemp(join(tmpdir(), 'gantry-restart-'));
    stack.defer(() => rm(dataDir, { recursive: true, force: true }));
    const flags = ['--checkpoint-pods=1', `--scheduling-thread=${thread}`, '--lease-seconds=2'];
    flags.push('--cluster-cidr=10.0.0.0/8', '--node-grace-seconds=3600');
    const start = async () => {
      const plane = await startControlPlane({ dataDir, store: location, flags });
      stack.defer(() => end(plane.child));
      return plane;
    };
    const isBound = (name: string) =>
      eventually(`${name} to be bound`, async () => {
        const pod = await objects.get(PodKind, 'default', name);
        return pod?.spec.nodeName;
      });
    const first = await start();
    await objects.create(PodKind, fleet.waitingPod('before'));
    await isBound('before');
    const marks = () => objects.store.count('scheduling/checkpoints/');
    await eventually('a checkpoint', async () => (await marks()) > 0);
    first.child.kill('SIGKILL');
    await objects.create(PodKind, fleet.waitingPod('meanwhile'));
    const again = await start();
    await isBound('meanwhile');
    const { message, ...facts } = await eventually('its words about the start', async () => {
      const line = again.said.find((each) => each.includes('checkpoint'));
      if (!line) return undefined;
      const { msg, pods: placed } = JSON.parse(line) as { msg: string; pods: number };
      return { message: msg, placed };
    });
    expect(message).toBe('the scheduler begins with its checkpoint');
    expect(facts.placed).toBeGreaterThanOrEqual(pods);
  },
  60_000,
);
