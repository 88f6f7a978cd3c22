import type { DeviceHoldings } from './devices/holdings.js';
import { IndexedSearch } from './index/indexed-search.js';
import { evaluate } from './evaluation.js';
import { explain, type PlacementExplanation } from './explain/explanation.js';
import type { PodInput } from './input.js';
import { profiles, type Profile } from './profile.js';
import type { PodHandle } from './pod-class.js';
import { uidOf, type Snapshot } from './snapshot.js';

/** Where a pod goes. Without a node it fits nowhere at this moment; `Scheduler.explain` says why. */
export interface Decision {
  readonly node: string | undefined;
  /** The node's slot, for `Snapshot.hold`; good until nodes come or go. */
  readonly slot: number;
  readonly score: number;
  /** The node's shared devices that the pod gets when it is counted there next; for its annotation. */
  readonly devices?: DeviceHoldings;
}

const nowhere: Decision = { node: undefined, slot: -1, score: -Infinity };

/** Decides on one snapshot by one profile. It never changes the snapshot except through `place`. */
export class Scheduler {
  private readonly search: IndexedSearch;

  constructor(
    readonly snapshot: Snapshot,
    readonly profile: Profile = profiles['bin-pack'],
  ) {
    this.search = new IndexedSearch(snapshot, profile);
  }

  /** The best node for the pod on the snapshot as it stands. */
  schedule(pod: PodInput): Decision {
    return this.decide(this.snapshot.handle(pod));
  }

  decide(handle: PodHandle): Decision {
    const choice = this.search.best(handle);
    if (!choice) return nowhere;
    const { slot, score } = choice;
    const node = this.snapshot.nodes.name(slot);
    const { ask } = handle.podClass;
    if (!ask.devices) return { node, slot, score };
    return { node, slot, score, devices: this.snapshot.nodes.resources.devicesFor(slot, ask) };
  }

  /** This node, if the pod fits there now. */
  decideFor(handle: PodHandle, node: string): Decision | undefined {
    const slot = this.snapshot.nodes.slot(node);
    if (slot === undefined) return undefined;
    const evaluation = evaluate(this.snapshot, handle, this.profile);
    return evaluation.fits(slot) ? { node, slot, score: evaluation.score(slot) } : undefined;
  }

  /** Decides and, when the pod fits, assumes it on its node at once. */
  place(pod: PodInput): Decision {
    const decision = this.schedule(pod);
    if (decision.node !== undefined) this.snapshot.assume(pod, decision.node);
    return decision;
  }

  /**
   * Why each node would or would not take the pod; a pod that is placed is looked at as if it were not.
   * `thorough` finds every kind of change that would make it fit, not only the first.
   */
  explain(pod: PodInput, { thorough = false } = {}): PlacementExplanation {
    const { snapshot, profile } = this;
    const placed = snapshot.pod(uidOf(pod));
    if (!placed) return explain(snapshot, pod, profile, { thorough });
    const unbound = { ...pod, spec: { ...pod.spec, nodeName: undefined } };
    const options = { thorough, boundTo: placed.nodeName };
    return snapshot.trial(({ lift }) => {
      lift(placed.uid);
      return explain(snapshot, unbound, profile, options);
    });
  }
}
