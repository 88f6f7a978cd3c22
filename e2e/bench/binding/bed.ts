import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeKind } from '@gantry/api';
import { ObjectStore } from '@gantry/controller';
import { EtcdStore } from '@gantry/store';
import { HollowNodes, startEtcdMembers } from '@gantry/testing';
import {
  adminCredentials,
  type ControlPlaneProcess,
  type Credentials,
  startControlPlane,
} from '../../cluster/control-plane-process.ts';
import { end, eventually } from '../../cluster/process.ts';
import { BoundPods } from './bound-pods.ts';
import { Connections } from './connections.ts';

/** As the figures of other control planes were taken. */
export const requestsInFlight = 64;
const connectionsAtOnce = 32;
const offers = { cpu: '32', memory: '256Gi', pods: '110' };

/** etcd, a control plane over its real API, hollow nodes and one watching client. */
export interface Bed extends AsyncDisposable {
  readonly controlPlane: ControlPlaneProcess;
  readonly credentials: Credentials;
  readonly dataDir: string;
  readonly clients: Connections;
  readonly bound: BoundPods;
}

/**
 * A hollow node is a Node object that is Ready and holds a session key, as the gateway keeps one for a
 * connected agent; nothing runs there, so no status of a pod is written beside the binding.
 */
async function joinNodes(objects: ObjectStore, count: number): Promise<void> {
  const nodes = new HollowNodes({ objects });
  const names = Array.from({ length: count }, (_, i) => `node-${i}`);
  const lane = async () => {
    for (let name = names.pop(); name; name = names.pop()) {
      const labels = { 'kubernetes.io/hostname': name };
      await nodes.connect({ name, allocatable: offers, labels });
    }
  };
  await Promise.all(Array.from({ length: connectionsAtOnce }, lane));
}

/** New nodes are given their pod addresses first; pods that come meanwhile would share the machine with that. */
async function nodesSettled(objects: ObjectStore): Promise<void> {
  const isSettled = async () => {
    const { items } = await objects.list(NodeKind);
    return items.every(({ spec }) => spec?.podCIDR !== undefined);
  };
  await eventually('pod addresses for every node', isSettled, 120_000);
}

/** Starts everything; what was started is taken down again when a later step fails. */
export async function startBed(
  members: number,
  nodeCount: number,
  serving: readonly string[] = [],
): Promise<Bed> {
  const stack = new AsyncDisposableStack();
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'gantry-bench-'));
    stack.defer(() => rm(dataDir, { recursive: true, force: true }));
    const etcd = await startEtcdMembers(members);
    for (const member of etcd) stack.defer(() => member.stop());
    const endpoints = etcd.map(({ endpoint }) => endpoint);
    const own = new EtcdStore({ endpoints });
    stack.defer(() => own.close());
    const objects = new ObjectStore(own);
    await joinNodes(objects, nodeCount);
    const store = `etcd:${endpoints.join(',')}`;
    const controlPlane = await startControlPlane({
      dataDir,
      store,
      flags: ['--cluster-cidr=10.0.0.0/8', ...serving],
    });
    stack.defer(() => end(controlPlane.child));
    await nodesSettled(objects);
    const credentials = await adminCredentials(dataDir);
    const { apiUrl } = controlPlane;
    const clients = new Connections(apiUrl, credentials, requestsInFlight);
    stack.defer(() => clients.close());
    const bound = new BoundPods(apiUrl, credentials);
    stack.defer(() => bound.close());
    const dispose = () => stack.disposeAsync();
    return { controlPlane, credentials, dataDir, clients, bound, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

const ticksPerSecond = 100;

/** Processor time that a process has used, in microseconds. */
export async function processorMicros(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond;
}

/** Resident memory of a process in MiB. */
export async function residentMebibytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
