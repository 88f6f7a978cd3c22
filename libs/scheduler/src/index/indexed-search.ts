import type { Choice } from '../evaluation.js';
import type { NodeCheck } from '../filters/filter.js';
import type { LabelSet, PodClass } from '../pod-class.js';
import type { Profile } from '../profile.js';
import type { Ask } from '../resource-table.js';
import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';
import { NodeGroups } from './node-groups.js';
import type { NodeOrder } from './node-order.js';
import { isCurrent, makePlan, sum, type Candidate, type PlacementPlan } from './placement-plan.js';

/** Plans that are kept; all are made anew when there are more. */
const maxPlans = 20_000;
const recentMask = 4_095;
const noAsk: Ask = {
  columns: new Int32Array(),
  amounts: new Float64Array(),
  devices: undefined,
  placed: 0,
};

/**
 * Finds a node as good as the best by brute force, looking at few: groups of nodes that are alike are asked
 * once, and within a group nodes are met from the best on.
 */
export class IndexedSearch {
  private readonly groups: NodeGroups;
  private readonly plans = new Map<PodClass, Map<LabelSet | undefined, PlacementPlan>>();
  private planCount = 0;
  /** Plans used last, by the low bits of the class's id, before any table is searched. */
  private readonly recent: ({ readonly id: number; readonly plan: PlacementPlan } | undefined)[];
  private readonly search: Search;

  constructor(
    private readonly snapshot: Snapshot,
    private readonly profile: Profile,
  ) {
    const ordered = profile.scores.find(({ score }) => score.order !== undefined);
    this.groups = new NodeGroups(snapshot, ordered?.score.order ?? 1);
    this.recent = Array.from({ length: recentMask + 1 }, () => undefined);
    this.search = new Search(this.groups);
  }

  best(pod: PodHandle): Choice | undefined {
    this.groups.refresh();
    const plan = this.planFor(pod);
    const { ask } = pod.podClass;
    const { search } = this;
    search.run(plan, ask, this.groups.bitOf(ask));
    return search.slot < 0 ? undefined : search;
  }

  private planFor(pod: PodHandle): PlacementPlan {
    const { id } = pod.podClass;
    const recent = this.recent[id & recentMask];
    if (recent?.id === id && isCurrent(recent.plan, pod, this.groups, this.snapshot)) {
      if (pod.labelSet.membership.repelledBy.length === 0) return recent.plan;
    }
    const plan = this.plannedFor(pod);
    if (pod.labelSet.membership.repelledBy.length === 0) {
      this.recent[id & recentMask] = { id, plan };
    }
    return plan;
  }

  private plannedFor(pod: PodHandle): PlacementPlan {
    // Labels matter to the plan only where a placed pod keeps off pods with such labels.
    const labelSet = pod.labelSet.membership.repelledBy.length > 0 ? pod.labelSet : undefined;
    let byLabels = this.plans.get(pod.podClass);
    const known = byLabels?.get(labelSet);
    if (known && isCurrent(known, pod, this.groups, this.snapshot)) return known;
    const plan = makePlan(this.snapshot, pod, this.profile, this.groups);
    if (!known && this.planCount++ >= maxPlans) {
      this.plans.clear();
      this.planCount = 1;
      byLabels = undefined;
    }
    if (!byLabels) this.plans.set(pod.podClass, (byLabels = new Map()));
    byLabels.set(labelSet, plan);
    return plan;
  }
}

/** One search after the other; the best of the last one. */
class Search {
  slot = -1;
  score = -Infinity;
  private plan!: PlacementPlan;
  private ask = noAsk;
  private bit = 0;

  constructor(private readonly groups: NodeGroups) {}

  /** Begins with the group that promises most, so that of the others few are worth a visit. */
  run(plan: PlacementPlan, ask: Ask, bit: number): void {
    this.plan = plan;
    this.ask = ask;
    this.bit = bit;
    this.slot = -1;
    this.score = -Infinity;
    const { candidates, numbers, bases, orderedWeight } = plan;
    const { prospects } = this.groups;
    const first = prospects.most(bit, numbers, bases, orderedWeight);
    if (first < 0) return;
    this.consider(candidates[first]!);
    for (let i = 0; i < numbers.length; i++) {
      const key = prospects.at(bit, numbers[i]!);
      if (key === -Infinity || i === first) continue;
      if (this.isHopeless(bases[i]! + plan.groupScoresBound, key)) continue;
      this.consider(candidates[i]!);
    }
  }

  private consider({ order, base }: Candidate): void {
    const { plan, ask, bit } = this;
    const key = this.groups.prospects.at(bit, order.number);
    if (plan.groupChecks.length > 0 && !passes(plan.groupChecks, order.first)) return;
    const rated = plan.groupScores.length > 0 ? base + sum(plan.groupScores, order.first) : base;
    if (this.isHopeless(rated, key)) return;
    if (plan.nodeChecks.length > 0 || plan.nodeScores.length > 0) return this.walk(order, rated);
    const slot = order.firstFit(ask, bit);
    if (slot >= 0) this.offer(slot, rated + plan.orderedWeight * this.groups.keyOf(slot));
  }

  private walk(order: NodeOrder, base: number): void {
    const { plan } = this;
    order.walk(this.ask, this.bit, (slot) => {
      const key = this.groups.keyOf(slot);
      if (this.isHopeless(base, key)) return false;
      if (passes(plan.nodeChecks, slot)) {
        this.offer(slot, base + plan.orderedWeight * key + sum(plan.nodeScores, slot));
      }
      return true;
    });
  }

  /** Keys fall within a group, so when a node with this key cannot win, none after it can. */
  private isHopeless(base: number, key: number): boolean {
    const { plan } = this;
    return base + plan.orderedWeight * key + plan.nodeScoresBound <= this.score;
  }

  private offer(slot: number, score: number): void {
    if (score < this.score || (score === this.score && slot > this.slot)) return;
    this.slot = slot;
    this.score = score;
  }
}

function passes(checks: readonly NodeCheck[], slot: number): boolean {
  for (const check of checks) if (!check.fits(slot)) return false;
  return true;
}
