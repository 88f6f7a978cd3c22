import type { Clock } from '@gantry/base';
import type { PodHandle, PodInput, Scheduler } from '@gantry/scheduler';

export interface Failure {
  readonly message: string;
  /** The filter that refused most nodes first. */
  readonly refusedBy: ReadonlySet<string>;
  /** Whether one of the equal pods has tried to preempt others in this state of the cluster. */
  readonly attempted?: boolean;
}

/** An explanation looks at every node, so pods of one class share it for this long. */
const explanationMs = 2_000;
/** Classes that are remembered; all are forgotten when there are more. */
const maxRemembered = 10_000;

interface Remembered extends Failure {
  readonly version: number;
  readonly madeMs: number;
}

/** Why classes of pods fit nowhere, so that a thousand equal pods are not refused a thousand times in full. */
export class FailureMemory {
  private readonly byClass = new Map<string, Remembered>();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly clock: Clock,
  ) {}

  /** The failure of an equal pod, if nothing has changed in the cluster since. */
  stillHolds(handle: PodHandle): Failure | undefined {
    const known = this.byClass.get(keyOf(handle));
    return known?.version === this.scheduler.snapshot.version ? known : undefined;
  }

  /** An attempt to preempt others is made for it. */
  attempted(handle: PodHandle): void {
    const key = keyOf(handle);
    const known = this.byClass.get(key);
    if (known) this.byClass.set(key, { ...known, attempted: true });
  }

  remember(handle: PodHandle, pod: PodInput): Failure {
    const key = keyOf(handle);
    const known = this.byClass.get(key);
    const nowMs = this.clock.now();
    const { version } = this.scheduler.snapshot;
    const isFresh = known !== undefined && nowMs - known.madeMs < explanationMs;
    const failure = isFresh
      ? { ...known, version, attempted: false }
      : this.explained(pod, version, nowMs);
    if (this.byClass.size >= maxRemembered) this.byClass.clear();
    this.byClass.set(key, failure);
    return failure;
  }

  private explained(pod: PodInput, version: number, madeMs: number): Remembered {
    const { message, refusedBy } = this.scheduler.explain(pod);
    return { message, refusedBy: new Set(refusedBy), version, madeMs };
  }
}

function keyOf({ podClass, labelSet }: PodHandle): string {
  return `${podClass.id}/${labelSet.id}`;
}
