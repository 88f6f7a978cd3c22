import type { PodInput } from '../input.js';
import { profiles, type Profile } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot } from '../snapshot.js';
import type { Operation, RecordedPod } from './operation.js';

/** Where a replay decided otherwise than the log says. */
export interface Divergence {
  /** Number of the line, from 1. */
  readonly line: number;
  readonly pod: RecordedPod;
  readonly recorded: string | null;
  readonly decided: string | null;
}

export interface ReplayReport {
  readonly lines: number;
  readonly decisions: number;
  /** The first one; undefined when all decisions came out the same. */
  readonly divergence?: Divergence;
}

/**
 * Tells a snapshot what the log says and decides anew, until the first decision that comes out otherwise.
 * The same log and the same program always give the same report. Throws RangeError for a log that is not whole.
 */
export function replay(operations: Iterable<Operation>): ReplayReport {
  const run = new Replay();
  for (const operation of operations) {
    run.take(operation);
    if (run.divergence) break;
  }
  if (run.lines === 0) throw new RangeError('the log is empty');
  const { lines, decisions, divergence } = run;
  return { lines, decisions, ...(divergence ? { divergence } : {}) };
}

class Replay {
  lines = 0;
  decisions = 0;
  divergence: Divergence | undefined;
  private readonly snapshot = new Snapshot();
  private readonly classes = new Map<number, RecordedPod>();
  private scheduler: Scheduler | undefined;

  take(operation: Operation): void {
    this.lines += 1;
    if (this.lines === 1 && operation.op !== 'start') this.fail('does not begin with a start');
    switch (operation.op) {
      case 'start':
        return this.start(operation);
      case 'node':
        return this.snapshot.setNode(operation.node);
      case 'node-gone':
        return this.snapshot.removeNode(operation.name);
      case 'namespace':
        return this.snapshot.setNamespace(operation.name, operation.labels ?? undefined);
      case 'class':
        return void this.classes.set(operation.id, operation.pod);
      case 'pod':
        return this.place(operation);
      case 'forget':
        return this.snapshot.forget(operation.uid);
      case 'remove':
        return this.snapshot.removePod(operation.uid);
      case 'decide':
        return this.decide(operation);
      case 'gap':
        return this.fail(`has a gap: ${operation.why}`);
      default:
        this.fail(`has an unknown operation ${JSON.stringify((operation as { op: unknown }).op)}`);
    }
  }

  private start({ profile: name, version }: Operation & { op: 'start' }): void {
    if (this.lines > 1) this.fail('begins twice');
    const profile = (profiles as Record<string, Profile | undefined>)[name];
    if (!profile || version !== 1) this.fail(`is of another program (profile ${name})`);
    this.scheduler = new Scheduler(this.snapshot, profile);
  }

  private place(operation: Operation & { op: 'pod' }): void {
    const { uid, node, assumed, devices } = operation;
    const recorded = this.podOf(operation.class);
    const pod: PodInput = { ...recorded, metadata: { ...recorded.metadata, uid } };
    if (assumed) this.snapshot.assume(pod, node, devices);
    else this.snapshot.setPod({ ...pod, spec: { ...pod.spec, nodeName: node } });
  }

  private decide(operation: Operation & { op: 'decide' }): void {
    const pod = this.podOf(operation.class);
    this.decisions += 1;
    const decided = this.scheduler!.schedule(pod).node ?? null;
    if (decided === operation.node) return;
    this.divergence = { line: this.lines, pod, recorded: operation.node, decided };
  }

  private podOf(id: number): RecordedPod {
    return this.classes.get(id) ?? this.fail(`names class ${id}, which it never told`);
  }

  private fail(what: string): never {
    throw new RangeError(`line ${this.lines}: the log ${what}`);
  }
}
