import type { Pod, PodStatus } from '@gantry/api';
import type { PodRef } from '@gantry/agent-protocol';
import { OrphanSweep } from './orphans.js';
import type { NodeContext } from './node-context.js';
import { isPodUid, podPaths } from './paths.js';
import { PodState } from './pod-state.js';
import { PodWorker } from './pod-worker.js';
import { newRecord } from './record.js';
import { Recovery } from './recovery.js';

/** Where the manager reports to. */
export interface PodListener {
  onStatus(ref: PodRef, status: PodStatus): void;
  onGone(ref: PodRef): void;
}

/** A pod with the generation that the order for it carries. */
export interface Order {
  readonly ref: { uid: string; namespace: string; name: string; generation: number };
  readonly pod: Pod;
}

function refOf(worker: PodWorker): PodRef {
  const { uid, namespace, name, generation = 0 } = worker.state.pod.metadata;
  return { uid, namespace, name, generation };
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** All pods of this host: one worker each, by uid. */
export class PodManager {
  private readonly workers = new Map<string, PodWorker>();
  private stopListening = () => {};

  constructor(
    private readonly context: NodeContext,
    private readonly listener: PodListener,
  ) {}

  /** Takes up what an earlier agent ran, and removes what nobody owns. */
  async start(): Promise<void> {
    const states = await new Recovery(this.context).recover();
    await new OrphanSweep(this.context).sweep(states);
    for (const state of states) this.add(state).resume();
    for (const worker of this.workers.values()) {
      const { deletionTimestamp, deletionGracePeriodSeconds } = worker.state.pod.metadata;
      if (deletionTimestamp) worker.leave(deletionGracePeriodSeconds);
    }
    this.stopListening = this.context.runtime.onExit((exit) => {
      for (const worker of this.workers.values()) worker.exited(exit);
    });
    this.context.logger.info({ pods: states.length }, 'took up the pods on this host');
  }

  list(): readonly PodWorker[] {
    return [...this.workers.values()];
  }

  find(uid: string): PodWorker | undefined {
    return this.workers.get(uid);
  }

  refs(): PodRef[] {
    return this.list().map(refOf);
  }

  /** Obeys an order unless a later generation of it was obeyed already. */
  assign({ ref, pod }: Order): void {
    const worker = this.workers.get(ref.uid);
    const obeyed = worker?.state.pod.metadata.generation ?? 0;
    if (worker && ref.generation < obeyed) {
      const fields = { uid: ref.uid, generation: ref.generation, obeyed };
      this.context.logger.warn(fields, 'refused orders older than those obeyed');
      return;
    }
    if (worker) worker.update(pod);
    else if (hasEnded(pod)) this.endedElsewhere(ref, pod);
    else this.create(ref.uid, pod);
  }

  /** The pod is no longer this node's. */
  release(uid: string): void {
    this.workers.get(uid)?.leave();
  }

  /** Exactly these pods are to be here. */
  assignAll(orders: readonly Order[]): void {
    const wanted = new Set(orders.map((order) => order.ref.uid));
    for (const uid of this.workers.keys()) if (!wanted.has(uid)) this.release(uid);
    for (const order of orders) this.assign(order);
  }

  /** Something that pods refer to has changed; what has no namespace may be of any pod. */
  resourceChanged(namespace: string): void {
    for (const worker of this.workers.values()) {
      const isIts = namespace === '' || worker.state.pod.metadata.namespace === namespace;
      if (isIts) worker.resourceChanged();
    }
  }

  /** Tells every status again. */
  reportAll(): void {
    for (const worker of this.workers.values()) {
      this.listener.onStatus(refOf(worker), worker.currentStatus());
    }
  }

  /** Stops deciding. Containers run on. */
  async close(): Promise<void> {
    this.stopListening();
    await Promise.all(this.list().map((worker) => worker.close()));
  }

  /** Stops all pods, each within the grace given; resolves when nothing is left. */
  async removeAll(graceSeconds: number): Promise<void> {
    for (const worker of this.workers.values()) worker.leave(graceSeconds);
    while (this.workers.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** A pod that has run to its end is not run again because its record was lost. */
  private endedElsewhere(ref: Order['ref'], pod: Pod): void {
    if (pod.metadata.deletionTimestamp) this.listener.onGone(ref);
  }

  private create(uid: string, pod: Pod): void {
    if (!isPodUid(uid) || pod.metadata.uid !== uid) {
      this.context.logger.error({ uid }, 'refused a pod whose uid is not usable');
      return;
    }
    const record = newRecord(uid, this.context.node.bootId);
    this.add(new PodState(pod, record, podPaths(this.context.config, uid))).update(pod);
  }

  private add(state: PodState): PodWorker {
    const worker = new PodWorker(state, this.context, {
      onStatus: (from, status) => this.listener.onStatus(refOf(from), status),
      onGone: (from) => this.removed(from),
    });
    this.workers.set(worker.uid, worker);
    const { userRange } = state.record;
    if (userRange) this.context.userRanges.hold(worker.uid, userRange);
    this.context.metrics.pods.set(this.workers.size);
    return worker;
  }

  private removed(worker: PodWorker): void {
    this.workers.delete(worker.uid);
    this.context.userRanges.release(worker.uid);
    this.context.metrics.pods.set(this.workers.size);
    this.listener.onGone(refOf(worker));
  }
}
