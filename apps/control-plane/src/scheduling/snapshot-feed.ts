import { NodeKind, PodKind, podGroupOf, type Node, type Pod } from '@gantry/api';
import { NamespaceKind, type Namespace } from '@gantry/api';
import { aborted } from '@gantry/base';
import type { Informers } from '@gantry/controller';
import { Snapshot, uidOf, type ClusterEvent, type PlacedPod } from '@gantry/scheduler';
import { isPending, sameWishes } from './pending.js';
import { schedulableNode } from './schedulable-node.js';

export interface FeedListener {
  happened(event: ClusterEvent): void;
  /** A pod that waits for a node; `changed` when its own wishes are not what they were. */
  pending(pod: Pod, changed: boolean): void;
  /** A pod that is being bound, as it was before that is seen; the place that it was given stands. */
  assumed(pod: Pod, changed: boolean): void;
  /** It is bound, ended or going, or no longer there at all. */
  notPending(pod: Pod, isGone: boolean): void;
  /** A namespace as it is now, or its name alone when it is gone. */
  namespace(name: string, namespace?: Namespace): void;
}

/** Keeps a snapshot current from the informers and tells what that means for pods that wait. */
export class SnapshotFeed {
  /** While the pods are told that were there when the feed began. */
  private isFilling = false;

  constructor(
    readonly snapshot: Snapshot,
    private readonly listener: FeedListener,
  ) {}

  /** Resolves when the snapshot holds what the store held; the returned function ends the feed. */
  async start(informers: Informers, signal: AbortSignal): Promise<() => void> {
    const nodes = informers.for(NodeKind);
    const pods = informers.for(PodKind);
    const namespaces = informers.for(NamespaceKind);
    const synced = Promise.all([nodes.synced, pods.synced, namespaces.synced]);
    await Promise.race([aborted(signal), synced]);
    this.isFilling = true;
    const ends = [
      namespaces.subscribe({
        added: (namespace) => this.namespaceChanged(namespace),
        updated: (namespace) => this.namespaceChanged(namespace),
        deleted: (namespace) => this.namespaceChanged(namespace, true),
      }),
      nodes.subscribe({
        added: (node) => this.nodeChanged(node, 'node-added'),
        updated: (node) => this.nodeChanged(node, 'node-changed'),
        deleted: (node) => {
          this.snapshot.removeNode(node.metadata.name!);
          this.listener.happened({ type: 'node-removed' });
        },
      }),
      pods.subscribe({
        added: (pod) => this.podChanged(pod),
        updated: (pod, previous) => this.podChanged(pod, previous),
        deleted: (pod) => this.podGone(pod),
      }),
    ];
    this.isFilling = false;
    return () => ends.forEach((end) => end());
  }

  private namespaceChanged(namespace: Namespace, isGone = false): void {
    const { name, labels = {} } = namespace.metadata;
    const before = this.snapshot.version;
    this.snapshot.setNamespace(name!, isGone ? undefined : labels);
    this.listener.namespace(name!, isGone ? undefined : namespace);
    if (this.snapshot.version !== before) this.listener.happened({ type: 'namespace-changed' });
  }

  private nodeChanged(node: Node, type: 'node-added' | 'node-changed'): void {
    const before = this.snapshot.version;
    this.snapshot.setNode(schedulableNode(node));
    // Heartbeats and addresses change nothing that a decision reads.
    if (this.snapshot.version === before) return;
    this.listener.happened({ type, node: node.metadata.name! });
  }

  private podChanged(pod: Pod, previous?: Pod): void {
    const isToPlace = isPending(pod);
    if (this.isFilling && !isToPlace) return this.fill(pod);
    if (isToPlace) {
      const isAssumed = this.snapshot.pod(uidOf(pod)) !== undefined;
      const isChanged = !previous || !sameWishes(pod, previous);
      if (isAssumed) this.listener.assumed(pod, isChanged);
      else this.listener.pending(pod, isChanged);
      return;
    }
    this.listener.notPending(pod, false);
    const before = this.snapshot.pod(uidOf(pod));
    this.snapshot.setPod(pod);
    this.moved(before, this.snapshot.pod(uidOf(pod)));
  }

  /**
   * Nothing waited for a place before, so that nobody is to be told of one that is taken: only gangs count their members,
   * and a pod behind a gate may keep room.
   */
  private fill(pod: Pod): void {
    const counts = podGroupOf(pod) !== undefined || pod.spec.nodeName === undefined;
    if (counts) this.listener.notPending(pod, false);
    this.snapshot.setPod(pod);
  }

  private podGone(pod: Pod): void {
    this.listener.notPending(pod, true);
    const before = this.snapshot.pod(uidOf(pod));
    this.snapshot.removePod(uidOf(pod));
    this.moved(before, undefined);
  }

  /** A pod whose labels or requests changed where it is has left and come back as another. */
  private moved(before: PlacedPod | undefined, after: PlacedPod | undefined): void {
    const isSame =
      before?.podClass === after?.podClass &&
      before?.labelSet === after?.labelSet &&
      before?.nodeName === after?.nodeName;
    if (isSame) return;
    if (before) this.listener.happened({ type: 'pod-left', node: before.nodeName, pod: before });
    if (after) this.listener.happened({ type: 'pod-placed', node: after.nodeName, pod: after });
  }
}
