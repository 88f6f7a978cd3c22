import { bestByBruteForce, evaluate } from '../evaluation.js';
import type { DisruptionBudget } from '../preemption/disruption-budgets.js';
import { DisruptionBudgets } from '../preemption/disruption-budgets.js';
import { violations } from '../preemption/cost.js';
import { preempt, type PreemptionOptions } from '../preemption/preempt.js';
import { byImportance, type Tenant } from '../preemption/tenants.js';
import type { Rehearsal } from '../snapshot.js';
import type { Scheduler } from '../scheduler.js';
import type { GangMember } from './place-together.js';

/** Which pods have to go so that a gang fits as a whole, and where its members would be. */
export interface GangPreemption {
  /** In the order of the members; undefined for one that is not needed and found no room. */
  readonly nodes: readonly (string | undefined)[];
  /** With the node that each is on; empty when pods that are ending already leave enough room. */
  readonly victims: readonly (Tenant & { readonly node: string })[];
  /** Victims beyond what their disruption budgets allow. */
  readonly violations: number;
}

interface Victim extends Tenant {
  readonly node: string;
}

const guest = (uid: string) => `gang/${uid}`;

/**
 * Clears room for at least `required` members at once, or for none: each goes where it fits, or where the least
 * is lost as `preempt` has it, beside those before it; then every victim stays after all that still fits where it
 * is. Undefined when that is not enough. The snapshot is as before.
 */
export function preemptTogether(
  scheduler: Scheduler,
  members: readonly GangMember[],
  required: number,
  options: PreemptionOptions,
): GangPreemption | undefined {
  const { snapshot } = scheduler;
  const highest = Math.max(...members.map(({ handle }) => handle.podClass.priority));
  if (snapshot.lowestPriority >= highest) return undefined;
  return snapshot.rehearse((rehearsal) =>
    new Clearance(scheduler, options, rehearsal).run(members, required),
  );
}

class Clearance {
  private readonly victims: Victim[] = [];
  private readonly guests: string[] = [];

  constructor(
    private readonly scheduler: Scheduler,
    private readonly options: PreemptionOptions,
    private readonly rehearsal: Rehearsal,
  ) {}

  run(members: readonly GangMember[], required: number): GangPreemption | undefined {
    try {
      const nodes: (string | undefined)[] = [];
      for (const [i, member] of members.entries()) {
        const left = members.length - i;
        if (this.guests.length + left < required) return undefined;
        // What is enough runs; for more nobody is taken away.
        nodes.push(this.placeOne(member, this.guests.length < required));
      }
      if (this.guests.length < required) return undefined;
      this.spare();
      const budgets = new DisruptionBudgets(this.options.budgets);
      return { nodes, victims: this.victims, violations: violations(this.victims, budgets) };
    } finally {
      for (const uid of this.guests) this.scheduler.snapshot.removePod(uid);
    }
  }

  private placeOne({ uid, handle }: GangMember, mayPreempt: boolean): string | undefined {
    const node = this.fitting(handle) ?? (mayPreempt ? this.clear(handle) : undefined);
    if (node === undefined) return undefined;
    this.scheduler.snapshot.reserve(guest(uid), handle, node);
    this.guests.push(guest(uid));
    return node;
  }

  /** Not by the scheduler's own decision: what is tried here is no part of a decision log. */
  private fitting(handle: GangMember['handle']): string | undefined {
    const { snapshot, profile } = this.scheduler;
    const best = bestByBruteForce(snapshot, evaluate(snapshot, handle, profile));
    return best && snapshot.nodes.name(best.slot);
  }

  private clear(handle: GangMember['handle']): string | undefined {
    const { snapshot, profile } = this.scheduler;
    const { tenants } = this.options;
    const found = preempt(snapshot, profile, handle, { ...this.options, budgets: this.left() });
    if (!found) return undefined;
    const { node, victims } = found;
    // Pods that are ending leave by themselves, but their room is used from now on.
    const facts = tenants(node);
    const ending = snapshot.podsOn(found.slot).filter(({ uid }) => facts.get(uid)?.isEnding);
    for (const { uid } of ending) this.rehearsal.lift(uid);
    for (const victim of victims) {
      this.rehearsal.lift(victim.uid);
      this.victims.push({ ...victim, node });
    }
    return node;
  }

  /** Budgets as they are with the victims that are found already. */
  private left(): DisruptionBudget[] {
    const { budgets } = this.options;
    const counted = new DisruptionBudgets(budgets);
    const taken = this.victims.flatMap(({ handle }) => counted.of(handle.labelSet));
    return budgets.map((budget, i) => {
      return { ...budget, allowed: budget.allowed - taken.filter((one) => one === i).length };
    });
  }

  /** The most important first. */
  private spare(): void {
    const { snapshot } = this.scheduler;
    for (const victim of this.victims.toSorted(byImportance).reverse()) {
      if (!this.scheduler.decideFor(victim.handle, victim.node)) continue;
      this.rehearsal.put(victim.uid, snapshot.nodes.slot(victim.node)!);
      this.victims.splice(this.victims.indexOf(victim), 1);
    }
  }
}
