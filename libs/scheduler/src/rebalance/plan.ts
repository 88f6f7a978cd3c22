import { bestByBruteForce, evaluate, type Evaluation } from '../evaluation.js';
import { DisruptionBudgets, type DisruptionBudget } from '../preemption/disruption-budgets.js';
import type { Profile } from '../profile.js';
import type { PlacedPod, Rehearsal, Snapshot } from '../snapshot.js';

/** What may be done about fragmentation. */
export interface RebalanceOptions {
  /** Pods that may be moved in all. */
  readonly maxMoves: number;
  /** Pods are moved only as far as these allow. */
  readonly budgets: readonly DisruptionBudget[];
  /**
   * `movable` pods may go elsewhere; `fixed` ones keep their node in use; those that come `with-node` are one
   * on every node, as of a DaemonSet, and keep nothing in use.
   */
  readonly sortOf: (pod: PlacedPod) => 'movable' | 'fixed' | 'with-node';
}

export interface Move {
  readonly uid: string;
  readonly from: string;
  readonly to: string;
}

/** Moves to be made in this order, and the nodes that nothing runs on afterwards. */
export interface RebalancePlan {
  readonly moves: readonly Move[];
  readonly freed: readonly string[];
}

/** Nodes that one plan looks at, those with the fewest pods first. */
const maxNodesTried = 1_000;

/**
 * Frees whole nodes by as few moves as possible: those with the fewest pods first, each only when all its pods
 * have a place on other nodes in use, by the profile's rules and within the budgets. No pod moves twice. A
 * preview: the snapshot is afterwards as it was.
 */
export function planRebalancing(
  snapshot: Snapshot,
  profile: Profile,
  options: RebalanceOptions,
): RebalancePlan {
  return snapshot.rehearse((rehearsal) =>
    new Rebalancing(snapshot, profile, options, rehearsal).run(),
  );
}

/** A node in use, and its pods that would have to move. */
interface Tenement {
  readonly slot: number;
  readonly pods: readonly PlacedPod[];
}

class Rebalancing {
  private readonly moves: Move[] = [];
  private readonly freed: string[] = [];
  private readonly budgets: DisruptionBudgets;
  private readonly spent = new Map<number, number>();
  /** Slots that may take pods: in use, and not to be freed. */
  private readonly open = new Set<number>();
  /** Slots that took pods: freeing one of them would move a pod twice. */
  private readonly taken = new Set<number>();

  constructor(
    private readonly snapshot: Snapshot,
    private readonly profile: Profile,
    private readonly options: RebalanceOptions,
    private readonly rehearsal: Rehearsal,
  ) {
    this.budgets = new DisruptionBudgets(options.budgets);
  }

  run(): RebalancePlan {
    const tenements = this.tenements();
    for (const { slot, pods } of tenements) {
      const left = this.options.maxMoves - this.moves.length;
      if (left <= 0) break;
      if (!this.taken.has(slot) && pods.length <= left) this.tryToFree(slot, pods);
    }
    return { moves: this.moves, freed: this.freed };
  }

  /** Nodes that could be freed, the fewest pods first; notes all that are in use. */
  private tenements(): Tenement[] {
    const found: Tenement[] = [];
    for (const slot of this.snapshot.nodes) {
      const all = this.snapshot
        .podsOn(slot)
        .map((pod) => ({ pod, sort: this.options.sortOf(pod) }));
      const using = all.filter(({ sort }) => sort !== 'with-node');
      if (using.length === 0) continue;
      this.open.add(slot);
      if (using.every(({ sort }) => sort === 'movable')) {
        found.push({ slot, pods: using.map(({ pod }) => pod).sort(largestFirst) });
      }
    }
    found.sort((a, b) => a.pods.length - b.pods.length || a.slot - b.slot);
    return found.slice(0, maxNodesTried);
  }

  private tryToFree(slot: number, pods: readonly PlacedPod[]): void {
    if (!this.withinBudgets(pods)) return;
    const from = this.snapshot.nodes.name(slot);
    this.open.delete(slot);
    const targets: number[] = [];
    for (const pod of pods) {
      this.rehearsal.lift(pod.uid);
      const target = this.targetFor(pod);
      if (target === undefined) {
        this.undo([...pods.slice(0, targets.length), pod], slot);
        return;
      }
      this.rehearsal.put(pod.uid, target);
      targets.push(target);
    }
    this.freed.push(from);
    pods.forEach(({ uid, labelSet }, i) => {
      this.taken.add(targets[i]!);
      this.moves.push({ uid, from, to: this.snapshot.nodes.name(targets[i]!) });
      for (const budget of this.budgets.of(labelSet)) {
        this.spent.set(budget, (this.spent.get(budget) ?? 0) + 1);
      }
    });
  }

  private undo(pods: readonly PlacedPod[], slot: number): void {
    for (const { uid } of pods) this.rehearsal.lift(uid);
    for (const { uid } of pods) this.rehearsal.put(uid, slot);
    this.open.add(slot);
  }

  private targetFor(pod: PlacedPod): number | undefined {
    const rules = evaluate(this.snapshot, pod, this.profile);
    const fits: Evaluation['fits'] = (slot) => this.open.has(slot) && rules.fits(slot);
    return bestByBruteForce(this.snapshot, { ...rules, fits })?.slot;
  }

  private withinBudgets(pods: readonly PlacedPod[]): boolean {
    const asked = new Map<number, number>();
    for (const { labelSet } of pods) {
      for (const budget of this.budgets.of(labelSet)) {
        asked.set(budget, (asked.get(budget) ?? 0) + 1);
      }
    }
    return [...asked].every(
      ([budget, count]) => count + (this.spent.get(budget) ?? 0) <= this.budgets.allowed(budget),
    );
  }
}

/** Large pods find a place less easily, so they go first. */
function largestFirst(a: PlacedPod, b: PlacedPod): number {
  const size = ({ podClass: { ask } }: PlacedPod) => ask.amounts.reduce((sum, x) => sum + x, 0);
  return size(b) - size(a) || (a.uid < b.uid ? -1 : 1);
}
