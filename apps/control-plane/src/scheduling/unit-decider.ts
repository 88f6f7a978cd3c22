import type { Pod } from '@gantry/api';
import type { Clock } from '@gantry/base';
import { placeTogether, uidOf, type PodHandle, type Scheduler } from '@gantry/scheduler';
import type { Binding } from './binder.js';
import { FailureMemory, type Failure } from './failure-memory.js';
import type { Preemptor } from './preemptor.js';
import type { QueuedUnit } from './queue-unit.js';

/** A place that a pod holds from now on. */
export interface Placement extends Binding {
  readonly handle: PodHandle;
}

export type UnitDecision =
  | { readonly type: 'placed'; readonly placements: readonly Placement[] }
  | {
      readonly type: 'refused';
      /** Name of the filter that refused most nodes. */
      readonly filter: string;
      readonly message: string;
      /** A node is being cleared for it. */
      readonly preempts: boolean;
    };

/** Decides on one unit of the queue: a pod, by preemption if need be, or the pods of a gang at once. */
export class UnitDecider {
  private readonly failures: FailureMemory;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly preemptor: Preemptor,
    clock: Clock,
  ) {
    this.failures = new FailureMemory(scheduler, clock);
  }

  decide(unit: QueuedUnit): UnitDecision {
    return unit.gang ? this.decideGang(unit) : this.decidePod(unit.pods.values().next().value!);
  }

  private decidePod(pod: Pod): UnitDecision {
    const { snapshot } = this.scheduler;
    const uid = uidOf(pod);
    const handle = snapshot.handle(pod);
    const remembered = this.failures.stillHolds(handle);
    let decision = remembered ? undefined : this.preemptor.decide(uid, handle);
    let failure: Failure | undefined = remembered;
    let preemption: string | undefined;
    if (decision?.node === undefined) {
      failure ??= this.failures.remember(handle, pod);
      const outcome = remembered ? undefined : this.preemptor.attempt(pod, handle);
      decision = outcome?.decision;
      preemption = outcome?.message;
    }
    if (decision?.node === undefined) return refusal(failure!, preemption);
    this.preemptor.withdraw(uid);
    snapshot.hold(uid, handle, decision.slot);
    return { type: 'placed', placements: [{ pod, node: decision.node, handle }] };
  }

  private decideGang(unit: QueuedUnit): UnitDecision {
    const pods = [...unit.pods.values()];
    const { name, required } = unit.gang!;
    const handles = pods.map((pod) => this.scheduler.snapshot.handle(pod));
    const members = pods.map((pod, i) => ({ uid: uidOf(pod), handle: handles[i]! }));
    let failure: Failure | undefined;
    const { decisions, placed } = placeTogether(
      this.scheduler,
      members,
      Math.max(1, required),
      (i) => (failure ??= this.failures.remember(handles[i]!, pods[i]!)),
    );
    const placements = decisions.flatMap((decision, i) =>
      decision?.node === undefined
        ? []
        : [{ pod: pods[i]!, node: decision.node, handle: handles[i]! }],
    );
    if (placements.length > 0) return { type: 'placed', placements };
    const { message, refusedBy } = failure!;
    const sentence = `group ${name} needs ${Math.max(1, required)} places at once and finds ${placed}; for the next one, ${message}`;
    return refusal({ message: sentence, refusedBy });
  }
}

function refusal({ message, refusedBy }: Failure, preemption?: string): UnitDecision {
  return {
    type: 'refused',
    filter: refusedBy.values().next().value ?? '',
    message: preemption ? `${preemption}: ${message}` : message,
    preempts: preemption !== undefined,
  };
}
