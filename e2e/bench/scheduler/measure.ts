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

/** Fills an empty cluster, then lets random pods go and others come; one thread. */
class Measurement {
  private readonly random: Random;
  private readonly scheduler: Scheduler;
  private readonly arrival;
  private readonly uids: string[] = [];
  private readonly latencies: number[] = [];
  private serial = 0;
  private refused = 0;

  constructor(sort: Sort, nodes: number, seed: number) {
    const { snapshot, arrival } = workload(sort, nodes, seed);
    this.random = new Random(seed + 1);
    this.scheduler = new Scheduler(snapshot);
    this.arrival = arrival;
  }

  run(churn: number): Run {
    const before = process.cpuUsage();
    const fillPerSecond = this.timed(() => this.fill());
    const fillDecisions = this.serial;
    const churnPerSecond = this.timed(() => this.churn(churn));
    const { user, system } = process.cpuUsage(before);
    return {
      perCpuSecond: (this.serial * 1_000_000) / (user + system),
      fillPerSecond,
      churnPerSecond,
      fillDecisions,
      latenciesMicros: Float64Array.from(this.latencies),
      placed: this.uids.length,
      refused: this.refused,
      mebibytes: mebibytesUsed(),
    };
  }

  private fill(): number {
    const before = this.serial;
    for (let inARow = 0; inARow < refusalsInARow;) inARow = this.place() ? 0 : inARow + 1;
    return this.serial - before;
  }

  private churn(count: number): number {
    for (let i = 0; i < count; i++) {
      const at = this.random.below(this.uids.length);
      this.scheduler.snapshot.removePod(this.uids[at]!);
      this.uids[at] = this.uids.at(-1)!;
      this.uids.pop();
      this.place();
    }
    return count;
  }

  private place(): boolean {
    const handle = this.arrival(this.random);
    const uid = `uid-${this.serial++}`;
    const isPlaced =
      this.serial % decisionsPerSample === 0
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

  private timed(work: () => number): number {
    const beginMs = performance.now();
    const count = work();
    return count / ((performance.now() - beginMs) / 1_000);
  }
}

/** Measures one cluster of this many nodes. */
export function measure(sort: Sort, nodes: number, seed: number, churn: number): Run {
  return new Measurement(sort, nodes, seed).run(churn);
}
