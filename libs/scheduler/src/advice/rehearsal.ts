import { bestByBruteForce, evaluate } from '../evaluation.js';
import type { RefusedNode } from '../explain/refusal-groups.js';
import type { PodInput } from '../input.js';
import type { NodeTraits } from '../node-table.js';
import type { Profile } from '../profile.js';
import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';

/** Tries changes of the pod and of the cluster by the scheduler's own filters; the snapshot stays as it was. */
export class Rehearsal {
  constructor(
    readonly snapshot: Snapshot,
    readonly profile: Profile,
    /** As it wants to be placed: without a node. */
    readonly pod: PodInput,
    /** Every node with all that keeps the pod off it. */
    readonly refused: readonly RefusedNode[],
  ) {}

  get handle(): PodHandle {
    return this.snapshot.handle(this.pod);
  }

  slotOf(node: string): number {
    return this.snapshot.nodes.slot(node)!;
  }

  traitsOf(node: string): NodeTraits {
    return this.snapshot.nodes.traits[this.slotOf(node)]!;
  }

  /** Whether the pod, perhaps changed, fits on the node as the snapshot is at this moment. */
  fitsOn(slot: number, pod: PodInput = this.pod): boolean {
    return evaluate(this.snapshot, this.snapshot.handle(pod), this.profile).fits(slot);
  }

  fitsWithTraits(node: string, change: Partial<NodeTraits>): boolean {
    const slot = this.slotOf(node);
    const traits = { ...this.traitsOf(node), ...change };
    return this.snapshot.withTraits(slot, traits, () => this.fitsOn(slot));
  }

  /** The best node for the changed pod. */
  nodeFor(pod: PodInput): string | undefined {
    const evaluation = evaluate(this.snapshot, this.snapshot.handle(pod), this.profile);
    const choice = bestByBruteForce(this.snapshot, evaluation);
    return choice && this.snapshot.nodes.name(choice.slot);
  }

  /** Nodes that only these filters refuse. */
  refusedOnlyBy(filters: readonly string[]): RefusedNode[] {
    return this.refused.filter(({ refusals }) =>
      refusals.every(({ filter }) => filters.includes(filter)),
    );
  }
}

/**
 * The list without what `fits` can do without, the first ones spared first. Goes round until no single item
 * can be left out: what one term alone allows, another may forbid.
 */
export function pruned<T>(items: readonly T[], fits: (left: readonly T[]) => boolean): T[] {
  let left = [...items];
  for (let before = Infinity; left.length < before;) {
    before = left.length;
    for (const item of left) {
      const without = left.filter((other) => other !== item);
      if (fits(without)) left = without;
    }
  }
  return left;
}
