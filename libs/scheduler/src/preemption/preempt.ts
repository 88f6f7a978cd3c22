import type { NodeCheck } from '../filters/filter.js';
import type { PodHandle } from '../pod-class.js';
import type { Profile } from '../profile.js';
import type { Ask } from '../resource-table.js';
import type { Snapshot } from '../snapshot.js';
import { compareCosts } from './cost.js';
import { DisruptionBudgets, type DisruptionBudget } from './disruption-budgets.js';
import { tenantsOn, type Tenant, type TenantSource } from './tenants.js';
import { cheapestVictims, type Stage, type Victims } from './victims.js';

/** At least so many nodes with victims are compared, and a tenth of all; then the best so far is taken. */
const minCompared = 100;

/** Which pods have to go so that one fits, and from which node. */
export interface Preemption {
  readonly node: string;
  readonly slot: number;
  /** The least important first; empty when pods that are ending already leave enough room. */
  readonly victims: readonly Tenant[];
  /** Victims beyond what their disruption budgets allow. */
  readonly violations: number;
}

export interface PreemptionOptions {
  readonly tenants: TenantSource;
  readonly budgets: readonly DisruptionBudget[];
  /** Slot at which the search begins, so that not always the same nodes are met first. */
  readonly from?: number;
}

/**
 * The node that is cleared for a pod at the least cost: fewest violated budgets, then the lowest of the
 * victims' highest priorities, then the fewest victims, the smallest sum of priorities, and the youngest. Only
 * pods of lower priority go. Undefined when no node could be made to fit. The snapshot is as before.
 */
export function preempt(
  snapshot: Snapshot,
  profile: Profile,
  pod: PodHandle,
  options: PreemptionOptions,
): Preemption | undefined {
  if (snapshot.lowestPriority >= pod.podClass.priority) return undefined;
  return new Search(snapshot, profile, pod, options).best();
}

class Search {
  private readonly lasting: readonly NodeCheck[];
  private readonly passing: readonly NodeCheck[];
  private readonly budgets: DisruptionBudgets;

  constructor(
    private readonly snapshot: Snapshot,
    { filters }: Profile,
    private readonly pod: PodHandle,
    private readonly options: PreemptionOptions,
  ) {
    const prepared = (isLasting: boolean) =>
      filters
        .filter(({ reads }) => (reads === 'node') === isLasting)
        .flatMap((filter) => filter.prepare(snapshot, pod) ?? []);
    this.lasting = prepared(true);
    this.passing = prepared(false);
    this.budgets = new DisruptionBudgets(options.budgets);
  }

  best(): Preemption | undefined {
    const { nodes } = this.snapshot;
    const enough = Math.max(minCompared, Math.ceil(nodes.size / 10));
    let best: { slot: number; victims: Victims } | undefined;
    let compared = 0;
    for (const slot of this.slots()) {
      const victims = this.victimsOn(slot);
      if (!victims) continue;
      if (!best || compareCosts(victims.cost, best.victims.cost) < 0) best = { slot, victims };
      if (victims.tenants.length === 0 || ++compared >= enough) break;
    }
    if (!best) return undefined;
    const { slot, victims } = best;
    const { violations } = victims.cost;
    return { node: nodes.name(slot), slot, victims: victims.tenants, violations };
  }

  private *slots(): Generator<number> {
    const slots = [...this.snapshot.nodes];
    const { from = 0 } = this.options;
    for (let i = 0; i < slots.length; i++) yield slots[(from + i) % slots.length]!;
  }

  private victimsOn(slot: number): Victims | undefined {
    if (!this.lasting.every((check) => check.fits(slot)) || !this.isLargeEnough(slot)) return;
    const { priority } = this.pod.podClass;
    const tenants = tenantsOn(this.snapshot, slot, priority, this.options.tenants);
    const candidates = tenants.filter((t) => !t.isEnding && t.priority < priority);
    const ending = tenants.filter((t) => t.isEnding);
    if (candidates.length + ending.length === 0) return undefined;
    return this.snapshot.trial(({ lift, lower }) => {
      for (const { uid } of ending) lift(uid);
      const fits = () => this.passing.every((check) => check.fits(slot));
      const stage: Stage = { lift, lower, fits, shortage: this.shortageOn(slot) };
      return cheapestVictims(stage, candidates, this.budgets);
    });
  }

  private isLargeEnough(slot: number): boolean {
    const { allocatable } = this.snapshot.nodes.resources;
    const { columns, amounts } = this.pod.podClass.ask;
    return columns.every((column, i) => allocatable[column]![slot]! >= amounts[i]!);
  }

  private shortageOn(slot: number): Ask {
    const { resources } = this.snapshot.nodes;
    const { columns, amounts } = this.pod.podClass.ask;
    return {
      columns,
      amounts: amounts.map((asked, i) => asked - resources.free(columns[i]!, slot)),
    };
  }
}

/** Whether a pod may preempt at all. */
export function mayPreempt(spec: { readonly preemptionPolicy?: string }): boolean {
  return spec.preemptionPolicy !== 'Never';
}
