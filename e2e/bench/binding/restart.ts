import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  NamespaceKind,
  NodeKind,
  PodKind,
  ReplicaSetKind,
  type ApiObject,
  type Kind,
} from '@gantry/api';
import { type ObjectOperation, ObjectStore } from '@gantry/controller';
import { EtcdStore } from '@gantry/store';
import { startEtcdMembers } from '@gantry/testing';
import {
  startControlPlane,
  type ControlPlaneOptions,
} from '../../cluster/control-plane-process.ts';
import { end, eventually } from '../../cluster/process.ts';
import { processorMicros, residentMebibytes } from './bed.ts';
import { Fleet } from './fleet.ts';

/** One transaction; etcd takes 128 operations. */
const batchSize = 100;
const batchesAtOnce = 8;
/** A million pods of two kilobytes and more, with etcd's own overhead. */
const quotaBytes = 8 * 2 ** 30;
const timeoutMs = 300_000;

async function fill(objects: ObjectStore, count: number, make: (i: number) => ObjectOperation) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const from = next;
      next += batchSize;
      const size = Math.min(batchSize, count - from);
      const batch = Array.from({ length: size }, (_, i) => make(from + i));
      await objects.transact(batch);
    }
  };
  await Promise.all(Array.from({ length: batchesAtOnce }, lane));
}

async function fillCluster(objects: ObjectStore, fleet: Fleet, nodes: number, pods: number) {
  const created = (kind: Kind, count: number, make: (i: number) => ApiObject) =>
    fill(objects, count, (i) => ({ type: 'create', kind, object: make(i) }));
  await created(NamespaceKind, fleet.namespaces, (i) => fleet.namespace(i));
  await created(NodeKind, nodes, (i) => fleet.node(i));
  await created(ReplicaSetKind, fleet.replicaSets, (i) => fleet.replicaSet(i));
  await created(PodKind, pods, (i) => fleet.pod(i));
}

/** From the start of a process to its first binding. */
export interface Start {
  readonly seconds: number;
  /** Of the control plane alone, on all cores, until then. */
  readonly processorSeconds: number;
  readonly residentMebibytes: number;
}

/**
 * A control plane starts in a cluster of this size: election, lists, snapshot and all; once as the first on its
 * machine, and once more after that one was stopped. The pods are those of some thousand ReplicaSets and as large as
 * in life (`Fleet`); the pods that wait were there before.
 */
export async function restart(
  nodes: number,
  pods: number,
  serving: readonly string[] = [],
): Promise<{ first: Start; again: Start }> {
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-bench-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const flags = { 'quota-backend-bytes': String(quotaBytes) };
  const [etcd] = await startEtcdMembers(1, { flags });
  stack.defer(() => etcd!.stop());
  const store = new EtcdStore({ endpoints: [etcd!.endpoint], requestTimeoutMs: 60_000 });
  stack.defer(() => store.close());
  const objects = new ObjectStore(store);
  const fleet = new Fleet(nodes, pods);
  await fillCluster(objects, fleet, nodes, pods);
  const options = { dataDir, store: `etcd:${etcd!.endpoint}`, timeoutMs };
  // No agent is connected; the nodes are to stay Ready for as long as the bench takes.
  const standing = ['--cluster-cidr=10.0.0.0/8', '--node-grace-seconds=3600'];
  const flagsOfAll = [...standing, '--checkpoint-pods=1', ...serving];
  const start = async (name: string, until: () => Promise<unknown>) => {
    await objects.create(PodKind, fleet.waitingPod(name));
    return await firstBinding(objects, name, { ...options, flags: flagsOfAll }, until);
  };
  const isWritten = async () => (await store.count('scheduling/checkpoints/')) > 0;
  const first = await start('waiting', () => eventually('a checkpoint', isWritten, timeoutMs));
  const again = await start('waiting-again', async () => {});
  return { first, again };
}
/** Starts a control plane, and stops it as soon as it has bound the pod and `until` has come. */
async function firstBinding(
  objects: ObjectStore,
  name: string,
  options: ControlPlaneOptions,
  until: () => Promise<unknown>,
): Promise<Start> {
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const bound = boundMs(objects, name, stop.signal);
  const startedMs = performance.now();
  const controlPlane = await startControlPlane(options);
  stack.defer(() => end(controlPlane.child, 60_000));
  const pid = controlPlane.child.pid!;
  const seconds = ((await bound) - startedMs) / 1_000;
  const processorSeconds = (await processorMicros(pid)) / 1e6;
  await until();
  return { seconds, processorSeconds, residentMebibytes: await residentMebibytes(pid) };
}

async function boundMs(objects: ObjectStore, name: string, signal: AbortSignal): Promise<number> {
  for await (const { object } of objects.watch(PodKind, {}, signal)) {
    const isIt = object.metadata.name === name && object.spec?.nodeName !== undefined;
    if (isIt) return performance.now();
  }
  throw new Error(`${name} was never bound`);
}
