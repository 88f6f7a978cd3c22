import type { DisruptionBudgets } from './disruption-budgets.js';
import type { Tenant } from './tenants.js';

/** What it costs to take these pods away: compared field by field, in this order, less is better. */
export interface VictimCost {
  /** Pods taken beyond what their disruption budgets allow. */
  readonly violations: number;
  /** Priority of the most important victim; -Infinity without victims. */
  readonly highest: number;
  readonly count: number;
  /** Of all priorities. */
  readonly sum: number;
  /** When the most important victim that runs longest was started: who ran longer stays. */
  readonly startMs: number;
}

export function violations(victims: readonly Tenant[], budgets: DisruptionBudgets): number {
  const taken = new Map<number, number>();
  for (const { handle } of victims) {
    for (const budget of budgets.of(handle.labelSet)) {
      taken.set(budget, (taken.get(budget) ?? 0) + 1);
    }
  }
  let sum = 0;
  for (const [budget, count] of taken) sum += Math.max(0, count - budgets.allowed(budget));
  return sum;
}

export function costOf(victims: readonly Tenant[], budgets: DisruptionBudgets): VictimCost {
  let highest = -Infinity;
  let sum = 0;
  let startMs = Infinity;
  for (const { priority, startMs: startedMs } of victims) {
    sum += priority;
    if (priority > highest) startMs = Infinity;
    highest = Math.max(highest, priority);
    if (priority === highest) startMs = Math.min(startMs, startedMs);
  }
  return { violations: violations(victims, budgets), highest, count: victims.length, sum, startMs };
}

/** Below 0 when `a` costs less. Two sets without victims are alike. */
export function compareCosts(a: VictimCost, b: VictimCost): number {
  return (
    a.violations - b.violations ||
    order(a.highest, b.highest) ||
    a.count - b.count ||
    a.sum - b.sum ||
    order(b.startMs, a.startMs)
  );
}

function order(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
