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
import { startControlPlane } from '../../cluster/control-plane-process.ts';
import { end } from '../../cluster/process.ts';
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

/** From the start of the process to its first binding. */
export interface Restart {
  readonly seconds: number;
  /** Of the control plane alone, on all cores. */
  readonly processorSeconds: number;
  readonly residentMebibytes: number;
}

/**
 * A control plane starts in a cluster of this size: election, lists, snapshot and all. The pods are those of some
 * thousand ReplicaSets and as large as in life (`Fleet`); the pod that waits was there before.
 */
export async function restart(
  nodes: number,
  pods: number,
  serving: readonly string[] = [],
): Promise<Restart> {
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
  const created = (kind: Kind, count: number, make: (i: number) => ApiObject) =>
    fill(objects, count, (i) => ({ type: 'create', kind, object: make(i) }));
  await created(NamespaceKind, fleet.namespaces, (i) => fleet.namespace(i));
  await created(NodeKind, nodes, (i) => fleet.node(i));
  await created(ReplicaSetKind, fleet.replicaSets, (i) => fleet.replicaSet(i));
  await created(PodKind, pods, (i) => fleet.pod(i));
  await objects.create(PodKind, fleet.waitingPod('waiting'));
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const bound = firstBinding(objects, stop.signal);
  const startedMs = performance.now();
  const options = { dataDir, store: `etcd:${etcd!.endpoint}`, timeoutMs };
  // No agent is connected; the nodes are to stay Ready for as long as the bench takes.
  const flagsOfAll = ['--cluster-cidr=10.0.0.0/8', '--node-grace-seconds=3600', ...serving];
  const controlPlane = await startControlPlane({ ...options, flags: flagsOfAll });
  stack.defer(() => end(controlPlane.child, 30_000));
  const pid = controlPlane.child.pid!;
  const seconds = ((await bound) - startedMs) / 1_000;
  const processorSeconds = (await processorMicros(pid)) / 1e6;
  return { seconds, processorSeconds, residentMebibytes: await residentMebibytes(pid) };
}

async function firstBinding(objects: ObjectStore, signal: AbortSignal): Promise<number> {
  for await (const { object } of objects.watch(PodKind, {}, signal)) {
    const isIt = object.metadata.name === 'waiting' && object.spec?.nodeName !== undefined;
    if (isIt) return performance.now();
  }
  throw new Error('the pod that waits was never bound');
}
