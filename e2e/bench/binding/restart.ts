import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeKind, PodKind, type Node, type Pod } from '@gantry/api';
import { type ObjectOperation, ObjectStore } from '@gantry/controller';
import { EtcdStore } from '@gantry/store';
import { startEtcdMembers } from '@gantry/testing';
import { startControlPlane } from '../../cluster/control-plane-process.ts';
import { end } from '../../cluster/process.ts';
import { processorMicros, residentMebibytes } from './bed.ts';

/** One transaction; etcd takes 128 operations. */
const batchSize = 100;
const batchesAtOnce = 8;
/** A million pods of a kilobyte, with etcd's own overhead. */
const quotaBytes = 8 * 2 ** 30;
const timeoutMs = 300_000;

const offers = { cpu: '64', memory: '512Gi', pods: '250' };

function node(i: number): Node {
  const name = `node-${i}`;
  const conditions = [{ type: 'Ready', status: 'True', reason: 'Bench' }];
  const cidr = `10.${Math.floor(i / 256)}.${i % 256}.0/24`;
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: { podCIDR: cidr, podCIDRs: [cidr] },
    status: { allocatable: offers, capacity: offers, conditions },
  } as unknown as Node;
}

function pod(name: string, nodeName: string | undefined): Pod {
  const resources = { requests: { cpu: '100m', memory: '128Mi' } };
  const containers = [{ name: 'main', image: 'registry.local/app:1', resources }];
  const conditions = [{ type: 'PodScheduled', status: 'True' }];
  const running = { phase: 'Running', startTime: '2026-11-21T11:00:00Z', conditions };
  return {
    metadata: { name, namespace: 'default', labels: { app: `app-${name.length}` } },
    spec: { containers, nodeName, schedulerName: 'default-scheduler' },
    status: nodeName ? running : { phase: 'Pending' },
  } as unknown as Pod;
}

async function fill(objects: ObjectStore, count: number, make: (i: number) => object) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const from = next;
      next += batchSize;
      const size = Math.min(batchSize, count - from);
      const batch = Array.from({ length: size }, (_, i) => make(from + i));
      await objects.transact(batch as ObjectOperation[]);
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
 * A control plane starts in a cluster of this size: election, lists, snapshot and all. The pod that waits was
 * there before.
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
  await fill(objects, nodes, (i) => ({ type: 'create', kind: NodeKind, object: node(i) }));
  const placed = (i: number) => pod(`pod-${i}`, `node-${i % nodes}`);
  await fill(objects, pods, (i) => ({ type: 'create', kind: PodKind, object: placed(i) }));
  await objects.create(PodKind, pod('waiting', undefined));
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
