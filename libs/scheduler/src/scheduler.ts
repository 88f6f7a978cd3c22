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
    return { node: this.snapshot.nodes.name(slot), slot, score };
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

  /** Why each node would or would not take the pod; a pod that is placed is looked at as if it were not. */
  explain(pod: PodInput): PlacementExplanation {
    const placed = this.snapshot.pod(uidOf(pod));
    if (!placed) return explain(this.snapshot, this.snapshot.handle(pod), this.profile);
    const unbound = { ...pod, spec: { ...pod.spec, nodeName: undefined } };
    this.snapshot.removePod(placed.uid);
    try {
      const handle = this.snapshot.handle(unbound);
      return explain(this.snapshot, handle, this.profile, placed.nodeName);
    } finally {
      if (placed.assumed) this.snapshot.assume(pod, placed.nodeName);
      else this.snapshot.setPod({ ...pod, spec: { ...pod.spec, nodeName: placed.nodeName } });
    }
  }
}
