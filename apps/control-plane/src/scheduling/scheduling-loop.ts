import {
  hasEnded,
  PersistentVolumeClaimKind,
  PersistentVolumeKind,
  PodKind,
  podGroupOf,
  type ApiObject,
  type Namespace,
  type Pod,
} from '@gantry/api';
import { aborted, delay, type Clock, type Logger } from '@gantry/base';
import { objectKey, type Informers, type ObjectStore } from '@gantry/controller';
import {
  Scheduler,
  Snapshot,
  uidOf,
  type PlacementExplanation,
  type Profile,
} from '@gantry/scheduler';
import type { Resources } from '../api/index.js';
import type { Turns } from '../api/resources/binding-turns.js';
import type { EventRecorder, EventSink } from '../events/index.js';
import type { Checkpoints } from './checkpoint/checkpoints.js';
import type { PodLists } from './checkpoint/pod-lists.js';
import { Binder, maxWritesPerTransaction, type BindingOutcome } from './binder.js';
import { Evacuations } from './evacuations.js';
import { Gangs } from './gangs.js';
import { Preemptor } from './preemptor.js';
import type { QueuedUnit } from './queue-unit.js';
import type { SchedulingMetrics } from './scheduling-metrics.js';
import { SchedulingQueue } from './scheduling-queue.js';
import { SnapshotFeed, type FeedListener } from './snapshot-feed.js';
import { VolumeBook } from './volume-book.js';
import { UnitDecider, type Placement, type UnitDecision } from './unit-decider.js';
import { UnschedulableReports } from './unschedulable-reports.js';

export interface SchedulingLoopOptions {
  readonly resources: Resources;
  /** Fenced by leadership. */
  readonly objects: ObjectStore;
  readonly informers: Informers;
  readonly events: EventRecorder;
  readonly metrics: SchedulingMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly profile?: Profile;
  /** An empty one that decides (default: by the profile). */
  readonly scheduler?: Scheduler;
  /** Where it writes what it knows and finds it again (default: nowhere). */
  readonly checkpoints?: Checkpoints;
  /** What waits until it has begun. */
  readonly podLists?: PodLists;
}

/** Transactions under way at a time; decisions go on meanwhile and wait when there are more. */
const maxTransactions = 2;
const recheckMs = 1_000;
/** How long the room of a pod that made way is kept for the one that is made in its place. */
const placeKeptMs = 30_000;
/** Decisions are made for so long at a stretch; then requests and watches get their turn. */
const maxSliceMs = 5;

/** The annotation of a namespace that says how large its share is beside others (1 without it). */
export const weightAnnotation = 'gantry.dev/scheduling-weight';

interface Undecided {
  readonly unit: QueuedUnit;
  readonly placements: readonly Placement[];
}

/**
 * Places pods on nodes: takes pending pods in batches, decides on the snapshot, counts each decision at once
 * and commits it optimistically. Runs for one term of leadership; make a new one for the next.
 */
export class SchedulingLoop {
  readonly scheduler: Scheduler;
  readonly queue: SchedulingQueue;
  private readonly binder: Binder;
  private readonly decider: UnitDecider;
  private readonly gangs: Gangs;
  private readonly volumes: VolumeBook;
  private readonly reports: UnschedulableReports;
  private readonly evacuations: Evacuations;
  private readonly preemptor: Preemptor;
  private feed: SnapshotFeed | undefined;
  private readonly sink: EventSink;
  private readonly committing = new Set<Promise<void>>();
  private readonly filled = Promise.withResolvers<void>();

  constructor(private readonly options: SchedulingLoopOptions) {
    this.scheduler = options.scheduler ?? new Scheduler(new Snapshot(), options.profile);
    this.gangs = new Gangs(options.informers);
    const seen = () => this.feed?.seenRevision ?? 0n;
    this.binder = new Binder(options.objects, options.clock, seen);
    this.sink = options.events.for('scheduler');
    this.reports = new UnschedulableReports(options.resources, options.clock, options.logger);
    this.evacuations = new Evacuations({ ...options, sink: this.sink });
    const { scheduler, evacuations, gangs } = this;
    const { clock, informers } = options;
    const seesPods = () => this.feed?.isByInformers ?? false;
    this.preemptor = new Preemptor({ scheduler, evacuations, informers, seesPods });
    this.volumes = new VolumeBook(
      informers.for(PersistentVolumeClaimKind),
      informers.for(PersistentVolumeKind),
    );
    this.decider = new UnitDecider(scheduler, this.preemptor, this.volumes, clock);
    const effective = (pod: Pod) => this.volumes.effective(pod);
    const assembling = (pod: Pod, message: string) => this.reports.report(pod, message);
    this.queue = new SchedulingQueue({ clock, scheduler, gangs, effective, assembling });
  }

  /** As the scheduler explains it, with the room that is kept for the pod itself counted as free. */
  explain(pod: Pod, options?: Parameters<Scheduler['explain']>[1]): PlacementExplanation {
    const explained = () => this.scheduler.explain(this.volumes.effective(pod), options);
    return this.preemptor.nominations.without(uidOf(pod), explained);
  }

  /** Resolves when the snapshot shows the cluster. */
  get fed(): Promise<void> {
    return this.filled.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { snapshot } = this.scheduler;
    const listener = this.listener(signal);
    const feed = (this.feed = new SnapshotFeed({ ...this.options, snapshot, listener }));
    const { groups } = this.gangs;
    const { informers } = this.options;
    const [claims, volumes] = [
      informers.for(PersistentVolumeClaimKind),
      informers.for(PersistentVolumeKind),
    ];
    const needed = [this.preemptor, groups, claims, volumes].map(({ synced }) => synced);
    await Promise.race([Promise.all(needed), aborted(signal)]);
    const volumesChanged = () => this.queue.happened({ type: 'volumes-changed' });
    const anyChange = { added: volumesChanged, updated: volumesChanged, deleted: volumesChanged };
    const endVolumes = [claims.subscribe(anyChange), volumes.subscribe(anyChange)];
    const regroup = (group: ApiObject) => this.queue.regroup(objectKey(group));
    const endGroups = groups.subscribe({ added: regroup, updated: regroup, deleted: regroup });
    const end = await feed.start(signal);
    await this.binder.catchUp(signal).catch(() => {});
    this.filled.resolve();
    const beside = Promise.all([
      this.reports.run(signal),
      this.evacuations.run(signal),
      this.keepCheckpoints(feed, signal),
    ]);
    try {
      while (!signal.aborted) await this.round(signal);
    } finally {
      end();
      endGroups();
      for (const endOne of endVolumes) endOne();
      this.queue.clear();
      await Promise.all([beside, ...this.committing]);
    }
  }

  /** Once it sees all that it will write down. */
  private async keepCheckpoints(feed: SnapshotFeed, signal: AbortSignal): Promise<void> {
    const { checkpoints, informers } = this.options;
    await feed.byInformers;
    await checkpoints?.run(informers.for(PodKind), this.scheduler.snapshot, signal);
  }

  private listener(signal: AbortSignal): FeedListener {
    return {
      happened: (event) => this.queue.happened(event),
      pending: (pod, changed) => this.pending(pod, changed),
      // Its binding may be refused since it changed; the next attempt is made on what it is now.
      assumed: (pod, changed) => this.queue.has(pod) && this.queue.offer(pod, changed),
      notPending: (pod, isGone) => this.notPending(pod, isGone, signal),
      namespace: (name, namespace) => this.queue.shares.setWeight(name, weightOf(namespace)),
    };
  }

  private pending(pod: Pod, changed: boolean): void {
    if (!this.queue.has(pod)) this.preemptor.adopt(pod);
    this.queue.offer(pod, changed);
  }

  private notPending(pod: Pod, isGone: boolean, signal: AbortSignal): void {
    const isOver = isGone || hasEnded(pod);
    const isKept = isOver ? this.keepPlaceOf(pod, signal) : this.preemptor.keepsRoom(pod);
    if (!isKept) this.freeRoomOf(pod, !isOver);
    this.evacuations.seen(pod, isGone);
    this.queue.remove(pod);
    if (this.gangs.observe(pod, isGone)) this.queue.regroup(podGroupOf(pod)!);
  }

  /** Who makes way for another is replaced soon; should that not be, its room is anyone's after a while. */
  private keepPlaceOf(pod: Pod, signal: AbortSignal): boolean {
    if (!this.preemptor.keepsPlaceOf(pod)) return false;
    const free = () => this.freeRoomOf(pod, false);
    void delay(this.options.clock, placeKeptMs, signal).then(free, () => {});
    return true;
  }

  /** No room is kept for the pod any more: others may have waited for it, unless the pod itself has taken it. */
  private freeRoomOf(pod: Pod, isPlaced: boolean): void {
    const node = this.preemptor.withdraw(uidOf(pod));
    if (node === undefined || (isPlaced && node === pod.spec.nodeName)) return;
    this.queue.happened({ type: 'pod-left', node, pod: this.scheduler.snapshot.handle(pod) });
  }

  private async round(signal: AbortSignal): Promise<void> {
    const batch = await this.queue.take(maxWritesPerTransaction, signal);
    const turns = this.binder.known;
    const decided: Undecided[] = [];
    let sliceStartMs = performance.now();
    for (const unit of batch) {
      // Its pods may have gone while others had their turn.
      const placed = unit.pods.size > 0 ? this.decide(unit) : undefined;
      if (placed) decided.push(placed);
      if (performance.now() - sliceStartMs < maxSliceMs) continue;
      await new Promise(setImmediate);
      sliceStartMs = performance.now();
    }
    this.options.metrics.depths(this.queue.depths);
    if (decided.length > 0) {
      const commit = this.commit(decided, turns, signal).finally(() =>
        this.committing.delete(commit),
      );
      this.committing.add(commit);
    }
    if (this.committing.size >= maxTransactions) await Promise.race(this.committing);
    // Requests and watches get their turn between two batches.
    await new Promise(setImmediate);
  }

  private decide(unit: QueuedUnit): Undecided | undefined {
    const startedMs = performance.now();
    const decision = this.decider.decide(unit);
    this.options.metrics.decided((performance.now() - startedMs) / 1_000);
    if (decision.type === 'refused') {
      this.refuse(unit, decision);
      return undefined;
    }
    const { placements } = decision;
    for (const { node, handle: pod } of placements) {
      this.queue.happened({ type: 'pod-placed', node, pod });
    }
    this.queue.succeeded(unit);
    return { unit, placements };
  }

  private refuse(unit: QueuedUnit, { filter, message, preempts }: Refusal): void {
    this.options.metrics.attempted('unschedulable', filter);
    this.queue.failed(unit, { urgent: preempts });
    for (const pod of unit.pods.values()) {
      this.reports.report(pod, message);
      this.sink.record(PodKind, pod, { type: 'Warning', reason: 'FailedScheduling', message });
    }
  }

  private async commit(
    decided: readonly Undecided[],
    turns: Turns,
    signal: AbortSignal,
  ): Promise<void> {
    const groups = decided.map(({ placements }) => placements);
    const outcomes = await this.binder.bind(groups, turns);
    // Pods may have been refused since others have bound pods that the snapshot did not show.
    const isRefused = outcomes.flat().some(({ type }) => type === 'refused');
    if (isRefused) await this.binder.catchUp(signal).catch(() => {});
    const unknown = outcomes.flat().filter(({ type }) => type === 'unknown').length;
    if (unknown > 0) {
      this.options.logger.warn({ pods: unknown }, 'bind pods: the store gave no answer');
    }
    await Promise.all(decided.map((each, i) => this.settle(each, outcomes[i]!, signal)));
  }

  private async settle(
    { unit, placements }: Undecided,
    outcomes: readonly BindingOutcome[],
    signal: AbortSignal,
  ): Promise<void> {
    const bound: Pod[] = [];
    const settled = placements.map(async (placement, i) => {
      const { type } = outcomes[i]!;
      const isBound = type === 'unknown' ? await this.findOut(placement, signal) : type === 'bound';
      if (isBound) bound.push(placement.pod);
      if (isBound !== undefined) this.conclude(placement, isBound);
    });
    await Promise.all(settled);
    for (const { volumes } of placements) this.volumes.settled(volumes);
    if (!signal.aborted) this.queue.settled(unit, bound);
  }

  private conclude({ pod, node, handle }: Placement, isBound: boolean): void {
    const { metrics, clock } = this.options;
    if (isBound) {
      metrics.attempted('scheduled', '');
      metrics.bound((clock.now() - Date.parse(pod.metadata.creationTimestamp ?? '')) / 1_000);
      const message = `Successfully assigned ${objectKey(pod)} to ${node}`;
      this.sink.record(PodKind, pod, { type: 'Normal', reason: 'Scheduled', message });
      return;
    }
    metrics.attempted('error', 'conflict');
    this.scheduler.snapshot.forget(uidOf(pod));
    this.queue.happened({ type: 'pod-left', node, pod: handle });
  }

  /** Until it is known what became of a binding, the place stays taken; undefined at the end of the term. */
  private async findOut(
    { pod, node }: Placement,
    signal: AbortSignal,
  ): Promise<boolean | undefined> {
    const { resources, clock } = this.options;
    const { namespace, name, uid } = pod.metadata;
    while (!signal.aborted) {
      try {
        const now: Pod | undefined = await resources.find(PodKind, namespace, name!);
        return now?.metadata.uid === uid && now?.spec.nodeName === node;
      } catch {
        await delay(clock, recheckMs, signal).catch(() => {});
      }
    }
    return undefined;
  }
}

type Refusal = Extract<UnitDecision, { type: 'refused' }>;

function weightOf(namespace: Namespace | undefined): number | undefined {
  const text = namespace?.metadata.annotations?.[weightAnnotation];
  return text === undefined ? undefined : Number(text);
}
