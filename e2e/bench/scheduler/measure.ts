import { Scheduler, type PodHandle } from '@gantry/scheduler';
import { mebibytesUsed } from './memory.ts';
import { Random } from './random.ts';
import { workload, type Sort } from './workload.ts';

/** One run over one cluster. */
export interface Run {
  readonly fillPerSecond: number;
  readonly churnPerSecond: number;
  readonly fillDecisions: number;
  /** Of both phases, by the time that the process had a core, with its threads for garbage and compilation. */
  readonly perCpuSecond: number;
  /** Microseconds from a pod to its counted place, of every so many decisions of both phases. */
  readonly latenciesMicros: Float64Array;
  readonly placed: number;
  readonly refused: number;
  /** The process's whole heap and its arrays, with what the bench itself remembers of each pod. */
  readonly mebibytes: number;
}

/** Filling ends when this many pods in a row fit nowhere. */
const refusalsInARow = 20;

/**
 * One decision in this many is timed by itself: reading the clock twice costs up to a tenth of a decision, and
 * the rates are not to pay for that. A prime, so that the sample falls in step with nothing.
 */
const decisionsPerSample = 7;

/** Pods are made ready in batches of this many while the clock stands, since a queue has them before their turn. */
const batchSize = 10_000;

/** Time that work took: by the clock, and that for which the process had a core. */
class Stopwatch {
  elapsedMs = 0;
  cpuMicros = 0;

  time(work: () => void): void {
    const before = process.cpuUsage();
    const beginMs = performance.now();
    work();
    this.elapsedMs += performance.now() - beginMs;
    const { user, system } = process.cpuUsage(before);
    this.cpuMicros += user + system;
  }
}

/** Fills an empty cluster, then lets random pods go and others come; one thread. */
class Measurement {
  private readonly random: Random;
  private readonly scheduler: Scheduler;
  private readonly arrival;
  private readonly uids: string[] = [];
  private readonly latencies: number[] = [];
  /** The pods that come next, and of those that go the place among `uids`, from 0 up to 1. */
  private batch: { uid: string; handle: PodHandle; leaves: number }[] = [];
  private serial = 0;
  private refused = 0;
  private refusedInARow = 0;

  constructor(sort: Sort, nodes: number, seed: number) {
    const { snapshot, arrival } = workload(sort, nodes, seed);
    this.random = new Random(seed + 1);
    this.scheduler = new Scheduler(snapshot);
    this.arrival = arrival;
    // The first question makes the index of all nodes; what decisions cost is seen from the next one on.
    this.scheduler.decide(arrival(new Random(seed)));
  }

  run(churn: number): Run {
    const [filling, churning] = [new Stopwatch(), new Stopwatch()];
    while (this.refusedInARow < refusalsInARow) {
      this.prepare(batchSize);
      filling.time(() => this.fill());
    }
    const fillDecisions = this.serial;
    for (let left = churn; left > 0; left -= batchSize) {
      this.prepare(Math.min(left, batchSize));
      churning.time(() => this.churn());
    }
    this.batch = [];
    return {
      perCpuSecond: (this.serial * 1_000_000) / (filling.cpuMicros + churning.cpuMicros),
      fillPerSecond: (fillDecisions * 1_000) / filling.elapsedMs,
      churnPerSecond: (churn * 1_000) / churning.elapsedMs,
      fillDecisions,
      latenciesMicros: Float64Array.from(this.latencies),
      placed: this.uids.length,
      refused: this.refused,
      mebibytes: mebibytesUsed(),
    };
  }

  private prepare(count: number): void {
    this.batch = Array.from({ length: count }, (_, i) => ({
      uid: `uid-${this.serial + i}`,
      handle: this.arrival(this.random),
      leaves: this.random.next(),
    }));
  }

  private fill(): void {
    for (let i = 0; i < this.batch.length && this.refusedInARow < refusalsInARow; i++) {
      const { uid, handle } = this.batch[i]!;
      this.refusedInARow = this.place(uid, handle) ? 0 : this.refusedInARow + 1;
    }
  }

  private churn(): void {
    for (let i = 0; i < this.batch.length; i++) {
      const { uid, handle, leaves } = this.batch[i]!;
      const at = Math.floor(leaves * this.uids.length);
      this.scheduler.snapshot.removePod(this.uids[at]!);
      this.uids[at] = this.uids.at(-1)!;
      this.uids.pop();
      this.place(uid, handle);
    }
  }

  private place(uid: string, handle: PodHandle): boolean {
    const isPlaced =
      this.serial++ % decisionsPerSample === 0
        ? this.decideTimed(uid, handle)
        : this.decide(uid, handle);
    if (isPlaced) this.uids.push(uid);
    else this.refused++;
    return isPlaced;
  }

  private decide(uid: string, handle: PodHandle): boolean {
    const { node, slot } = this.scheduler.decide(handle);
    if (node !== undefined) this.scheduler.snapshot.hold(uid, handle, slot);
    return node !== undefined;
  }

  private decideTimed(uid: string, handle: PodHandle): boolean {
    const beginMs = performance.now();
    const isPlaced = this.decide(uid, handle);
    this.latencies.push((performance.now() - beginMs) * 1_000);
    return isPlaced;
  }
}

/** Measures one cluster of this many nodes. */
export function measure(sort: Sort, nodes: number, seed: number, churn: number): Run {
  return new Measurement(sort, nodes, seed).run(churn);
}
