import { NodeKind, PodKind, podGroupOf, type Node, type Pod } from '@gantry/api';
import { NamespaceKind, type Namespace } from '@gantry/api';
import { aborted, delay, describeError, type Clock, type Logger } from '@gantry/base';
import {
  inSlices,
  type Informer,
  type InformerHandler,
  type Informers,
  type ObjectStore,
} from '@gantry/controller';
import { Snapshot, uidOf, type ClusterEvent } from '@gantry/scheduler';
import type { Checkpoint } from './checkpoint/checkpoint-file.js';
import type { Checkpoints } from './checkpoint/checkpoints.js';
import { HeadStart } from './checkpoint/head-start.js';
import type { PodLists } from './checkpoint/pod-lists.js';
import { isPending, sameWishes } from './pending.js';
import { schedulableNode } from './schedulable-node.js';

/** How often the store is asked how far the informer's watch is, in milliseconds. */
const progressAskMs = 50;

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

export interface FeedOptions {
  readonly snapshot: Snapshot;
  readonly listener: FeedListener;
  readonly informers: Informers;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the scheduler finds what it knew before it was started anew (default: nowhere). */
  readonly checkpoints?: Checkpoints;
  /** What waits until it has begun. */
  readonly podLists?: PodLists;
}

/** Keeps a snapshot current from the informers and tells what that means for pods that wait. */
export class SnapshotFeed {
  readonly snapshot: Snapshot;
  private readonly listener: FeedListener;
  private readonly pods: Informer<Pod>;
  /** While the pods are told that were there when the feed began. */
  private isFilling = false;
  /** What feeds the pods until the informer has all of them. */
  private ahead: HeadStart | undefined;
  private readonly handedOver = Promise.withResolvers<void>();
  /** The pods that the informer has told of, while it takes over. */
  private told: Set<string> | undefined;

  constructor(private readonly options: FeedOptions) {
    this.snapshot = options.snapshot;
    this.listener = options.listener;
    this.pods = options.informers.for(PodKind);
  }

  /** Every change of a pod up to this revision is in the snapshot. */
  get seenRevision(): bigint {
    return this.ahead?.seenRevision ?? this.pods.seenRevision;
  }

  /** Whether the snapshot shows the pods that the informers show. */
  get isByInformers(): boolean {
    return this.ahead === undefined;
  }

  /** Resolves when that is so, and stays; at the latest when the term is over. */
  get byInformers(): Promise<void> {
    return this.handedOver.promise;
  }

  /** Resolves when the snapshot holds what the store held; the returned function ends the feed. */
  async start(signal: AbortSignal): Promise<() => void> {
    const { pods } = this;
    const { informers, checkpoints, podLists } = this.options;
    const [nodes, namespaces] = [informers.for(NodeKind), informers.for(NamespaceKind)];
    await Promise.race([aborted(signal), Promise.all([nodes.synced, namespaces.synced])]);
    const checkpoint = pods.hasSynced ? undefined : await checkpoints?.newest();
    if (!checkpoint) {
      podLists?.release();
      await Promise.race([aborted(signal), pods.synced]);
    }
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
    ];
    if (!checkpoint) ends.push(pods.subscribe(this.podHandler()));
    this.isFilling = false;
    if (checkpoint) await this.startFrom(checkpoint, ends, signal);
    else this.handedOver.resolve();
    return () => ends.forEach((end) => end());
  }

  private podHandler(): InformerHandler<Pod> {
    return {
      added: (pod) => this.podChanged(pod),
      updated: (pod, previous) => this.podChanged(pod, previous),
      deleted: (pod) => this.podGone(pod),
    };
  }

  /** Resolves when the snapshot is complete; the informer takes over as soon as it can. */
  private async startFrom(
    checkpoint: Checkpoint,
    ends: (() => void)[],
    signal: AbortSignal,
  ): Promise<void> {
    const { logger, podLists } = this.options;
    const ahead = (this.ahead = new HeadStart({
      ...this.options,
      checkpoint,
      changed: (pod) => this.podChanged(pod),
      gone: (pod) => this.podGone(pod),
    }));
    const isComplete = await ahead.begin(signal).catch((error: unknown) => {
      logger.warn({ err: describeError(error) }, "begin with the scheduler's checkpoint");
      return false;
    });
    podLists?.release();
    const from = { pods: checkpoint.size, revision: checkpoint.header.revision };
    if (isComplete) logger.info(from, 'the scheduler begins with its checkpoint');
    else logger.info(from, 'the scheduler lists all pods: its checkpoint leads no further');
    const takingOver = this.takeOver(ahead, ends, signal).finally(() => this.handedOver.resolve());
    if (!isComplete) await takingOver;
  }

  /** The informer tells all that it has, which for most pods changes nothing; what it does not have is gone. */
  private async takeOver(
    ahead: HeadStart,
    ends: (() => void)[],
    signal: AbortSignal,
  ): Promise<void> {
    const { pods, snapshot } = this;
    const { objects, clock } = this.options;
    await Promise.race([aborted(signal), pods.synced]);
    await ahead.end();
    while (pods.seenRevision < ahead.seenRevision && !signal.aborted) {
      objects.store.requestProgress();
      await delay(clock, progressAskMs, signal).catch(() => {});
    }
    // What was not told because the term is over is not gone.
    if (signal.aborted) return;
    const told = (this.told = new Set<string>());
    const end = await pods.subscribeInTurns(this.podHandler(), signal);
    ends.push(end);
    if (signal.aborted) return end();
    for (const [uid, pod] of ahead.met) if (!told.has(uid)) this.podGone(pod);
    const drop = (uid: string) => {
      if (!told.has(uid)) this.placeChanged(uid, () => snapshot.removePod(uid));
    };
    await inSlices(snapshot.confirmed(), drop, signal);
    this.told = undefined;
    this.ahead = undefined;
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
    this.told?.add(uidOf(pod));
    if (this.isFilling && !isToPlace) return this.fill(pod);
    if (isToPlace) {
      const isAssumed = this.snapshot.pod(uidOf(pod)) !== undefined;
      const isChanged = !previous || !sameWishes(pod, previous);
      if (isAssumed) this.listener.assumed(pod, isChanged);
      else this.listener.pending(pod, isChanged);
      return;
    }
    this.listener.notPending(pod, false);
    this.placeChanged(uidOf(pod), () => this.snapshot.setPod(pod));
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
    this.placeChanged(uidOf(pod), () => this.snapshot.removePod(uidOf(pod)));
  }

  /** A pod whose labels or requests changed where it is has left and come back as another. */
  private placeChanged(uid: string, change: () => void): void {
    const before = this.snapshot.pod(uid);
    change();
    const after = this.snapshot.pod(uid);
    const isSame =
      before?.podClass === after?.podClass &&
      before?.labelSet === after?.labelSet &&
      before?.nodeName === after?.nodeName;
    if (isSame) return;
    if (before) this.listener.happened({ type: 'pod-left', node: before.nodeName, pod: before });
    if (after) this.listener.happened({ type: 'pod-placed', node: after.nodeName, pod: after });
  }
}
