import type { SnapshotTrial } from '../snapshot.js';
import type { Ask } from '../resource-table.js';
import { compareCosts, costOf, type VictimCost } from './cost.js';
import type { DisruptionBudgets } from './disruption-budgets.js';
import type { Tenant } from './tenants.js';

/**
 * Sets of victims of one node that are compared one by one. Where equal pods make more than that possible, the
 * set is found by sparing pods one after the other: none of it could stay, but another may be smaller.
 */
const maxSets = 1_024;

/** Victims of one node with what they cost. */
export interface Victims {
  readonly tenants: readonly Tenant[];
  readonly cost: VictimCost;
}

/** A node on which pods can be taken off and put back, and whether the preemptor fits as it stands. */
export interface Stage extends SnapshotTrial {
  readonly fits: () => boolean;
  /** How much of each resource of the preemptor's ask is missing while all pods are there. */
  readonly shortage: Ask;
}

/** The cheapest victims among `candidates` whose going lets the preemptor in; undefined when none suffice. */
export function cheapestVictims(
  stage: Stage,
  candidates: readonly Tenant[],
  budgets: DisruptionBudgets,
): Victims | undefined {
  if (stage.fits()) return { tenants: [], cost: costOf([], budgets) };
  const spared = bySparing(stage, candidates, budgets);
  const groups = alike(candidates);
  const sets = groups.reduce((product, { length }) => product * (length + 1), 1);
  if (sets > maxSets) return spared;
  return byComparing(stage, groups, budgets, spared) ?? spared;
}

/** Pods of which it does not matter which go; the youngest first. */
function alike(candidates: readonly Tenant[]): Tenant[][] {
  const groups = new Map<unknown, Map<unknown, Tenant[]>>();
  for (const tenant of candidates) {
    const { podClass, labelSet } = tenant.handle;
    const byLabels = groups.get(podClass) ?? new Map<unknown, Tenant[]>();
    groups.set(podClass, byLabels.set(labelSet, [...(byLabels.get(labelSet) ?? []), tenant]));
  }
  return [...groups.values()].flatMap((byLabels) => [...byLabels.values()]);
}

/** All go; then the most important ones come back as far as there is room, first those of tight budgets. */
function bySparing(
  stage: Stage,
  candidates: readonly Tenant[],
  budgets: DisruptionBudgets,
): Victims | undefined {
  for (const { uid } of candidates) stage.lift(uid);
  const isEnough = stage.fits();
  const victims = new Set(candidates);
  const isTight = ({ handle }: Tenant) => {
    const counted = budgets.of(handle.labelSet);
    return counted.some((budget) => {
      const taken = [...victims].filter((v) => budgets.of(v.handle.labelSet).includes(budget));
      return taken.length > budgets.allowed(budget);
    });
  };
  if (isEnough) {
    for (const phase of [isTight, () => true]) {
      for (const tenant of candidates.toReversed()) {
        if (!victims.has(tenant) || !phase(tenant)) continue;
        stage.lower(tenant.uid);
        if (stage.fits()) victims.delete(tenant);
        else stage.lift(tenant.uid);
      }
    }
  }
  for (const { uid } of candidates) stage.lower(uid);
  const tenants = candidates.filter((tenant) => victims.has(tenant));
  return isEnough ? { tenants, cost: costOf(tenants, budgets) } : undefined;
}

/** The first set that suffices, from the cheapest on; undefined when none is cheaper than the known one. */
function byComparing(
  stage: Stage,
  groups: readonly Tenant[][],
  budgets: DisruptionBudgets,
  known: Victims | undefined,
): Victims | undefined {
  const sets: Victims[] = [];
  for (const tenants of combinations(groups)) {
    if (tenants.length === 0 || !frees(tenants, stage.shortage)) continue;
    const cost = costOf(tenants, budgets);
    if (!known || compareCosts(cost, known.cost) < 0) sets.push({ tenants, cost });
  }
  sets.sort((a, b) => compareCosts(a.cost, b.cost));
  return sets.find(({ tenants }) => {
    for (const { uid } of tenants) stage.lift(uid);
    const isEnough = stage.fits();
    for (const { uid } of tenants) stage.lower(uid);
    return isEnough;
  });
}

/** Whether the pods hold at least what is missing, which is quicker to see than whether all filters agree. */
function frees(tenants: readonly Tenant[], { columns, amounts }: Ask): boolean {
  return columns.every((column, i) => {
    let freed = 0;
    for (const { handle } of tenants) {
      const { ask } = handle.podClass;
      const at = ask.columns.indexOf(column);
      if (at >= 0) freed += ask.amounts[at]!;
    }
    return freed >= amounts[i]!;
  });
}

/** So many of the first of each group, in all ways. */
function* combinations(groups: readonly Tenant[][], from = 0): Generator<Tenant[]> {
  if (from === groups.length) return yield [];
  for (const rest of combinations(groups, from + 1)) {
    for (let take = 0; take <= groups[from]!.length; take++) {
      yield [...groups[from]!.slice(0, take), ...rest];
    }
  }
}
