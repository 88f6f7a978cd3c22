import { NodeKind, PodKind, type Node, type Pod, type PodStatus } from '@gantry/api';
import { isReason, systemClock, timestamp, type Clock } from '@gantry/base';
import { Informer, objectKey, type ObjectStore } from '@gantry/controller';
import type { Lease } from '@gantry/store';

/** What becomes of a pod that a hollow node is given. */
export type HollowFate = 'ready' | 'unready' | 'failed';

export interface HollowNodesOptions {
  readonly objects: ObjectStore;
  readonly clock?: Clock;
  /** From binding to the pod's first status, and from deletion to its end (default 0). */
  readonly delayMs?: (pod: Pod) => number;
  /** Default: every pod becomes ready. */
  readonly fate?: (pod: Pod) => HollowFate;
}

export interface HollowNode {
  readonly name: string;
  readonly allocatable?: Record<string, string>;
  readonly labels?: Record<string, string>;
}

/**
 * Nodes without machines: they register, hold sessions, report pods as running and let go those that are
 * deleted, as agents do, but straight to the store. Any number of them share one watch.
 */
export class HollowNodes {
  private readonly pods: Informer<Pod>;
  private readonly clock: Clock;
  private readonly connected = new Set<string>();
  private readonly pending = new Map<string, () => void>();
  private readonly writing = new Set<Promise<void>>();
  private lease: Promise<Lease> | undefined;

  constructor(private readonly options: HollowNodesOptions) {
    this.pods = new Informer(options.objects, PodKind);
    this.clock = options.clock ?? systemClock;
  }

  /** Obeys until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const end = this.pods.subscribe({
      added: (pod) => this.obey(pod),
      updated: (pod) => this.obey(pod),
    });
    await this.pods.run(signal);
    end();
    for (const cancel of this.pending.values()) cancel();
    this.pending.clear();
    await Promise.allSettled(this.writing);
    await (await this.lease)?.revoke();
  }

  /** Registers the node (or brings its status back) and opens its session. */
  async connect({ name, allocatable, labels }: HollowNode): Promise<void> {
    const { objects } = this.options;
    const offers = { cpu: '4', memory: '8Gi', pods: '110', ...allocatable };
    const status = { allocatable: offers, capacity: offers, conditions: [this.ready()] };
    const node = { metadata: { name, labels: { ...labels } }, spec: {}, status } as unknown as Node;
    try {
      await objects.create(NodeKind, node);
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      await objects.mutate(NodeKind, undefined, name, (current) => ({
        ...current,
        status: { ...current.status, ...node.status },
      }));
    }
    this.lease ??= objects.store.grantLease(60);
    const { id } = await this.lease;
    const session = { controlPlane: 'hollow', address: '127.0.0.1:0', since: this.now() };
    const value = new TextEncoder().encode(JSON.stringify(session));
    await objects.store.transact([], [{ type: 'put', key: `sessions/${name}`, value, lease: id }]);
    this.connected.add(name);
    for (const pod of this.pods.list()) this.obey(pod);
  }

  /** The link is cut: nothing is obeyed and nothing reported until it connects again. */
  async disconnect(name: string): Promise<void> {
    this.connected.delete(name);
    await this.options.objects.store.transact([], [{ type: 'delete', key: `sessions/${name}` }]);
  }

  private obey(pod: Pod): void {
    if (!pod.spec.nodeName || !this.connected.has(pod.spec.nodeName)) return;
    const { deletionTimestamp, uid } = pod.metadata;
    const isDone = pod.status?.startTime !== undefined && !deletionTimestamp;
    const key = `${deletionTimestamp ? 'end' : 'start'}/${uid}`;
    if (isDone || this.pending.has(key)) return;
    const act = () => {
      this.pending.delete(key);
      const write = this.write(pod).finally(() => this.writing.delete(write));
      this.writing.add(write);
    };
    this.pending.set(key, this.clock.after(this.options.delayMs?.(pod) ?? 0, act));
  }

  private async write(pod: Pod): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    if (!this.connected.has(pod.spec.nodeName!)) return;
    try {
      if (pod.metadata.deletionTimestamp) {
        await this.options.objects.remove(PodKind, namespace, name!, { uid: uid! });
        return;
      }
      await this.options.objects.mutate(PodKind, namespace, name!, (current) =>
        current.metadata.uid === uid ? { ...current, status: this.status(current) } : undefined,
      );
    } catch (error) {
      const key = objectKey(pod);
      const isLost = ['NotFound', 'Conflict', 'ServiceUnavailable'].some((reason) =>
        isReason(error, reason as 'NotFound'),
      );
      if (!isLost) throw new Error(`hollow node writes ${key}`, { cause: error });
    }
  }

  private status(pod: Pod): PodStatus {
    const fate = this.options.fate?.(pod) ?? 'ready';
    const isReady = fate === 'ready';
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    const ready = {
      type: 'Ready',
      status: isReady ? ('True' as const) : ('False' as const),
      lastTransitionTime: this.now(),
    };
    return {
      ...pod.status,
      phase: fate === 'failed' ? 'Failed' : 'Running',
      startTime: this.now(),
      conditions: [...others, ready],
    };
  }

  private ready() {
    const status = 'True' as const;
    return { type: 'Ready', status, reason: 'KubeletReady', lastTransitionTime: this.now() };
  }

  private now(): string {
    return timestamp(this.clock.now());
  }
}
