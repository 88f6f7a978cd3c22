import type { Pod } from '@gantry/api';
import type { Clock } from '@gantry/base';
import {
  placeTogether,
  uidOf,
  type Decision,
  type PodHandle,
  type Scheduler,
} from '@gantry/scheduler';
import { preferredNodeAnnotation } from '../rebalancing/relocations.js';
import type { Binding } from './binder.js';
import { FailureMemory, type Failure } from './failure-memory.js';
import type { Preemptor } from './preemptor.js';
import type { QueuedUnit } from './queue-unit.js';
import type { VolumeBindings, VolumeBook } from './volume-book.js';

/** A place that a pod holds from now on. */
export interface Placement extends Binding {
  readonly handle: PodHandle;
  readonly volumes: VolumeBindings;
}

type Place = Pick<Placement, 'pod' | 'node' | 'handle'>;

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
    private readonly volumes: VolumeBook,
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
    const effective = this.volumes.effective(pod);
    const handle = snapshot.handle(effective);
    const remembered = this.failures.stillHolds(handle);
    let decision = remembered
      ? undefined
      : (this.preferred(pod, handle) ?? this.preemptor.decide(uid, handle));
    let failure: Failure | undefined = remembered;
    let preemption: string | undefined;
    if (decision?.node === undefined) {
      failure ??= this.failures.remember(handle, effective);
      // Equal pods may differ in whether they preempt, and an earlier one may have found too much under way.
      const attempts = !failure.attempted && this.preemptor.mayAttempt(pod);
      if (attempts) this.failures.attempted(handle);
      const outcome = attempts ? this.preemptor.attempt(pod, handle) : undefined;
      decision = outcome?.decision;
      preemption = outcome?.message;
    }
    if (decision?.node === undefined) return refusal(failure!, preemption);
    this.preemptor.withdraw(uid);
    snapshot.hold(uid, handle, decision.slot);
    return this.placed([{ pod, handle, node: decision.node }]);
  }

  /** The node that the pod was made for, if it fits there. */
  private preferred(pod: Pod, handle: PodHandle): Decision | undefined {
    const node = pod.metadata.annotations?.[preferredNodeAnnotation];
    if (node === undefined) return undefined;
    return this.preemptor.inKeptRoom(pod, () => this.scheduler.decideFor(handle, node));
  }

  private placed(places: readonly Place[]): UnitDecision {
    const { placements, missing } = this.withVolumes(places);
    if (missing === undefined) return { type: 'placed', placements };
    this.release(places, placements);
    return withoutVolumes(missing);
  }

  /**
   * With the devices that the held pods were given, and the volumes for their claims; `missing` names the node
   * on which the next pod's claims have none left.
   */
  private withVolumes(places: readonly Place[]): { placements: Placement[]; missing?: string } {
    const { snapshot } = this.scheduler;
    const placements: Placement[] = [];
    for (const { pod, node, handle } of places) {
      const { labels } = snapshot.nodes.traits[snapshot.nodes.slot(node)!]!;
      const volumes = this.volumes.bind(pod, { name: node, labels });
      if (!volumes) return { placements, missing: node };
      const devices = snapshot.pod(uidOf(pod))?.devices;
      placements.push({ pod, node, handle, volumes, ...(devices ? { devices } : {}) });
    }
    return { placements };
  }

  private release(places: readonly Place[], given: readonly Placement[]): void {
    for (const { pod } of places) this.scheduler.snapshot.forget(uidOf(pod));
    for (const { volumes } of given) this.volumes.settled(volumes);
  }

  /** Members that share a claim without a volume must meet at the one that it gets with the first of them. */
  private decideGang(unit: QueuedUnit): UnitDecision {
    const first = this.placeGang(unit);
    if ('type' in first) return first;
    const { placements, missing } = this.withVolumes(first);
    if (missing === undefined) return { type: 'placed', placements };
    for (const { pod } of first) this.scheduler.snapshot.forget(uidOf(pod));
    const second = placements.length > 0 ? this.placeGang(unit) : withoutVolumes(missing);
    const decision = 'type' in second ? second : this.placed(second);
    this.release([], placements);
    return decision;
  }

  /** Places for the pods of a gang, held in the snapshot. */
  private placeGang(unit: QueuedUnit): readonly Place[] | UnitDecision {
    const pods = [...unit.pods.values()];
    const { name, required } = unit.gang!;
    const effective = pods.map((pod) => this.volumes.effective(pod));
    const handles = effective.map((pod) => this.scheduler.snapshot.handle(pod));
    const members = pods.map((pod, i) => ({ uid: uidOf(pod), handle: handles[i]! }));
    const needed = Math.max(1, required);
    let failure: Failure | undefined;
    const place = () =>
      this.preemptor.decideTogether(members, (cleared) =>
        placeTogether(this.scheduler, cleared, needed, (i) => {
          failure ??= this.failures.remember(handles[i]!, effective[i]!);
        }),
      );
    let outcome = place();
    // Members beyond those that are needed start as they fit, and nobody goes for them.
    const lacks = required > 0 && outcome.placed < needed && pods.length >= needed;
    const preemption = lacks ? this.preemptor.attemptGang(pods, members, needed) : undefined;
    if (preemption?.victims === 0) outcome = place();
    const { decisions, placed } = outcome;
    const places = decisions.flatMap((decision, i) => {
      if (decision?.node === undefined) return [];
      return [{ pod: pods[i]!, handle: handles[i]!, node: decision.node }];
    });
    if (places.length > 0) {
      for (const { pod } of places) this.preemptor.withdraw(uidOf(pod));
      return places;
    }
    if (!failure)
      return refusal({ message: `group ${name} is not complete`, refusedBy: new Set() });
    const { message, refusedBy } = failure;
    const sentence = `group ${name} needs ${needed} places at once and finds ${placed}; for the next one, ${message}`;
    return refusal({ message: sentence, refusedBy }, preemption?.message);
  }
}

function withoutVolumes(node: string): UnitDecision {
  const message = `the volumes on ${node} that suit its claims are being given to others`;
  return refusal({ message, refusedBy: new Set(['volumes']) });
}

function refusal({ message, refusedBy }: Failure, preemption?: string): UnitDecision {
  return {
    type: 'refused',
    filter: refusedBy.values().next().value ?? '',
    message: preemption ? `${preemption}: ${message}` : message,
    preempts: preemption !== undefined,
  };
}
