import { PodKind, type Pod } from '@gantry/api';
import { delay, type Clock, type Logger } from '@gantry/base';
import type { Informers, ObjectStore } from '@gantry/controller';
import {
  Scheduler,
  Snapshot,
  uidOf,
  type PlacementExplanation,
  type Profile,
} from '@gantry/scheduler';
import type { Resources } from '../api/index.js';
import type { EventRecorder, EventSink } from '../events/index.js';
import { Binder, maxBindingsPerTransaction, type Binding, type BindingOutcome } from './binder.js';
import { FailureMemory, type Failure } from './failure-memory.js';
import { Evacuations } from './evacuations.js';
import { Preemptor } from './preemptor.js';
import type { SchedulingMetrics } from './scheduling-metrics.js';
import { SchedulingQueue, type QueuedPod } from './scheduling-queue.js';
import { SnapshotFeed } from './snapshot-feed.js';
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
}

/** Transactions under way at a time; decisions go on meanwhile and wait when there are more. */
const maxTransactions = 4;
const recheckMs = 1_000;

interface Undecided {
  readonly queued: QueuedPod;
  readonly binding: Binding;
}

/**
 * Places pods on nodes: takes pending pods in batches, decides on the snapshot, counts each decision at once
 * and commits it optimistically. Runs for one term of leadership; make a new one for the next.
 */
export class SchedulingLoop {
  readonly scheduler: Scheduler;
  readonly queue: SchedulingQueue;
  private readonly binder: Binder;
  private readonly failures: FailureMemory;
  private readonly reports: UnschedulableReports;
  private readonly evacuations: Evacuations;
  private readonly preemptor: Preemptor;
  private readonly sink: EventSink;
  private readonly committing = new Set<Promise<void>>();
  private readonly filled = Promise.withResolvers<void>();

  constructor(private readonly options: SchedulingLoopOptions) {
    this.scheduler = new Scheduler(new Snapshot(), options.profile);
    this.queue = new SchedulingQueue(options.clock);
    this.binder = new Binder(options.objects, options.clock);
    this.failures = new FailureMemory(this.scheduler, options.clock);
    this.sink = options.events.for('scheduler');
    this.reports = new UnschedulableReports(options.resources, options.clock, options.logger);
    this.evacuations = new Evacuations({ ...options, sink: this.sink });
    const { scheduler, evacuations } = this;
    this.preemptor = new Preemptor({ scheduler, evacuations, informers: options.informers });
  }

  /** As the scheduler explains it, with the room that is kept for the pod itself counted as free. */
  explain(pod: Pod): PlacementExplanation {
    const explained = () => this.scheduler.explain(pod);
    return this.preemptor.nominations.without(uidOf(pod), explained);
  }

  /** Resolves when the snapshot shows the cluster. */
  get fed(): Promise<void> {
    return this.filled.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    const feed = new SnapshotFeed(this.scheduler.snapshot, {
      happened: (event) => this.queue.happened(event),
      pending: (pod, changed) => {
        if (!this.queue.get(pod)) this.preemptor.adopt(pod);
        this.queue.offer(pod, changed);
      },
      notPending: (pod) => {
        this.preemptor.withdraw(uidOf(pod));
        this.queue.remove(pod);
      },
    });
    await Promise.race([this.preemptor.synced, aborted(signal)]);
    const end = await feed.start(this.options.informers, signal);
    this.filled.resolve();
    const reporting = Promise.all([this.reports.run(signal), this.evacuations.run(signal)]);
    try {
      while (!signal.aborted) await this.round(signal);
    } finally {
      end();
      this.queue.clear();
      await Promise.all([reporting, ...this.committing]);
    }
  }

  private async round(signal: AbortSignal): Promise<void> {
    const batch = await this.queue.take(maxBindingsPerTransaction, signal);
    const decided = batch.flatMap((queued) => this.decide(queued) ?? []);
    this.options.metrics.depths(this.queue.depths);
    if (decided.length > 0) {
      const commit = this.commit(decided, signal).finally(() => this.committing.delete(commit));
      this.committing.add(commit);
    }
    if (this.committing.size >= maxTransactions) await Promise.race(this.committing);
    // Requests and watches get their turn between two batches.
    await new Promise(setImmediate);
  }

  private decide(queued: QueuedPod): Undecided | undefined {
    const { pod } = queued;
    const { snapshot } = this.scheduler;
    const startedMs = performance.now();
    const handle = snapshot.handle(pod);
    const remembered = this.failures.stillHolds(handle);
    let decision = remembered ? undefined : this.preemptor.decide(uidOf(pod), handle);
    this.options.metrics.decided((performance.now() - startedMs) / 1_000);
    if (decision?.node === undefined) {
      const failure = remembered ?? this.failures.remember(handle, pod);
      const preemption = remembered ? undefined : this.preemptor.attempt(pod, handle);
      decision = preemption?.decision;
      if (decision?.node === undefined) {
        this.refuse(queued, failure, preemption?.message);
        return undefined;
      }
    }
    this.preemptor.withdraw(uidOf(pod));
    snapshot.hold(uidOf(pod), handle, decision.slot);
    return { queued, binding: { pod, node: decision.node } };
  }

  /** `preemption` says what was done about it: then the pod goes on as soon as there is room. */
  private refuse(queued: QueuedPod, failure: Failure, preemption?: string): void {
    const { pod } = queued;
    this.options.metrics.attempted('unschedulable', failure.refusedBy.values().next().value ?? '');
    this.queue.failed(queued, failure.refusedBy, { urgent: preemption !== undefined });
    const message = preemption ? `${preemption}: ${failure.message}` : failure.message;
    this.reports.report(pod, message);
    this.sink.record(PodKind, pod, { type: 'Warning', reason: 'FailedScheduling', message });
  }

  private async commit(decided: readonly Undecided[], signal: AbortSignal): Promise<void> {
    const outcomes = await this.binder.bind(decided.map(({ binding }) => binding));
    const unknown: Undecided[] = [];
    decided.forEach((each, i) => {
      if (outcomes[i]!.type === 'unknown') unknown.push(each);
      else this.settle(each, outcomes[i]!);
    });
    if (unknown.length > 0) {
      this.options.logger.warn({ pods: unknown.length }, 'bind pods: the store gave no answer');
    }
    await Promise.all(unknown.map((each) => this.findOut(each, signal)));
  }

  private settle({ queued, binding: { pod, node } }: Undecided, outcome: BindingOutcome): void {
    const { metrics, clock } = this.options;
    if (outcome.type === 'bound') {
      metrics.attempted('scheduled', '');
      metrics.bound((clock.now() - Date.parse(pod.metadata.creationTimestamp ?? '')) / 1_000);
      const message = `Successfully assigned ${queued.key} to ${node}`;
      this.sink.record(PodKind, pod, { type: 'Normal', reason: 'Scheduled', message });
      this.queue.settled(queued);
      return;
    }
    metrics.attempted('error', 'conflict');
    this.scheduler.snapshot.forget(uidOf(pod));
    this.queue.retry(queued);
  }

  /** Until it is known what became of a binding, the place stays taken. */
  private async findOut(undecided: Undecided, signal: AbortSignal): Promise<void> {
    const { resources, clock } = this.options;
    const { pod, node } = undecided.binding;
    const { namespace, name, uid } = pod.metadata;
    while (!signal.aborted) {
      try {
        const now: Pod | undefined = await resources.find(PodKind, namespace, name!);
        const isBound = now?.metadata.uid === uid && now?.spec.nodeName === node;
        return this.settle(undecided, isBound ? { type: 'bound' } : { type: 'refused', why: '' });
      } catch {
        await delay(clock, recheckMs, signal).catch(() => {});
      }
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
