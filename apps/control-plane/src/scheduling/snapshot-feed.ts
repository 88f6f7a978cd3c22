import { NodeKind, PodKind, type Node, type Pod } from '@gantry/api';
import { NamespaceKind } from '@gantry/api';
import type { Informers } from '@gantry/controller';
import { Snapshot, uidOf, type NodeInput } from '@gantry/scheduler';
import type { ClusterEvent } from './cluster-event.js';
import { isPending, sameWishes } from './pending.js';

const notReadyTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/**
 * The node as decisions see it: one that is not Ready takes no pods even before the node lifecycle has
 * tainted it, e.g. in the moment after it registered.
 */
export function schedulableNode(node: Node): NodeInput {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const taints = node.spec?.taints ?? [];
  const isTainted = taints.some(({ key }) => key.startsWith('node.kubernetes.io/'));
  if (ready?.status === 'True' || isTainted) return node;
  return { ...node, spec: { ...node.spec, taints: [...taints, notReadyTaint] } };
}

export interface FeedListener {
  happened(event: ClusterEvent): void;
  /** A pod that waits for a node; `changed` when its own wishes are not what they were. */
  pending(pod: Pod, changed: boolean): void;
  /** It is bound, ended, going or gone. */
  notPending(pod: Pod): void;
}

/** Keeps a snapshot current from the informers and tells what that means for pods that wait. */
export class SnapshotFeed {
  constructor(
    readonly snapshot: Snapshot,
    private readonly listener: FeedListener,
  ) {}

  /** Resolves when the snapshot holds what the store held; the returned function ends the feed. */
  async start(informers: Informers, signal: AbortSignal): Promise<() => void> {
    const nodes = informers.for(NodeKind);
    const pods = informers.for(PodKind);
    const namespaces = informers.for(NamespaceKind);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([aborted, Promise.all([nodes.synced, pods.synced, namespaces.synced])]);
    const ends = [
      namespaces.subscribe({
        added: ({ metadata }) => this.snapshot.setNamespace(metadata.name!, metadata.labels ?? {}),
        updated: ({ metadata }) =>
          this.snapshot.setNamespace(metadata.name!, metadata.labels ?? {}),
        deleted: ({ metadata }) => this.snapshot.setNamespace(metadata.name!, undefined),
      }),
      nodes.subscribe({
        added: (node) => this.nodeChanged(node, 'node-added'),
        updated: (node) => this.nodeChanged(node, 'node-changed'),
        deleted: (node) => this.snapshot.removeNode(node.metadata.name!),
      }),
      pods.subscribe({
        added: (pod) => this.podChanged(pod),
        updated: (pod, previous) => this.podChanged(pod, previous),
        deleted: (pod) => this.podGone(pod),
      }),
    ];
    return () => ends.forEach((end) => end());
  }

  private nodeChanged(node: Node, event: ClusterEvent): void {
    const before = this.snapshot.version;
    this.snapshot.setNode(schedulableNode(node));
    // Heartbeats and addresses change nothing that a decision reads.
    if (this.snapshot.version !== before) this.listener.happened(event);
  }

  private podChanged(pod: Pod, previous?: Pod): void {
    if (isPending(pod)) {
      // An older state than the binding that is under way: the assumption stands.
      const isAssumed = this.snapshot.pod(uidOf(pod)) !== undefined;
      if (!isAssumed) this.listener.pending(pod, !previous || !sameWishes(pod, previous));
      return;
    }
    this.listener.notPending(pod);
    const wasPlaced = this.snapshot.pod(uidOf(pod)) !== undefined;
    this.snapshot.setPod(pod);
    const isPlaced = this.snapshot.pod(uidOf(pod)) !== undefined;
    if (wasPlaced && !isPlaced) this.listener.happened('pod-left');
    else if (isPlaced && !wasPlaced) this.listener.happened('pod-placed');
  }

  private podGone(pod: Pod): void {
    this.listener.notPending(pod);
    const wasPlaced = this.snapshot.pod(uidOf(pod)) !== undefined;
    this.snapshot.removePod(uidOf(pod));
    if (wasPlaced) this.listener.happened('pod-left');
  }
}
