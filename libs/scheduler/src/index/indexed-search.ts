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

/**
 * Finds a node as good as the best by brute force, looking at few: groups of nodes that are alike are asked
 * once, and within a group nodes are met from the best on.
 */
export class IndexedSearch {
  private readonly groups: NodeGroups;
  private readonly plans = new Map<PodClass, Map<LabelSet | undefined, PlacementPlan>>();
  private planCount = 0;

  constructor(
    private readonly snapshot: Snapshot,
    private readonly profile: Profile,
  ) {
    const ordered = profile.scores.find(({ score }) => score.order !== undefined);
    this.groups = new NodeGroups(snapshot, ordered?.score.order ?? 1);
  }

  best(pod: PodHandle): Choice | undefined {
    this.groups.refresh();
    const plan = this.planFor(pod);
    const { ask } = pod.podClass;
    const search = new Search(this.groups, plan, ask, this.groups.bitOf(ask));
    for (const candidate of plan.candidates) search.consider(candidate);
    return search.slot < 0 ? undefined : { slot: search.slot, score: search.score };
  }

  private planFor(pod: PodHandle): PlacementPlan {
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

/** One search; its best so far. */
class Search {
  slot = -1;
  score = -Infinity;

  constructor(
    private readonly groups: NodeGroups,
    private readonly plan: PlacementPlan,
    private readonly ask: Ask,
    private readonly bit: number,
  ) {}

  consider({ group: { order }, nodeScore, orderedBase }: Candidate): void {
    const { plan, ask, bit } = this;
    const block = order.possible(bit, 0);
    if (block < 0) return;
    const first = order.firstOf(block);
    if (plan.groupChecks.length > 0 && !passes(plan.groupChecks, first)) return;
    let base = nodeScore + orderedBase;
    if (plan.groupScores.length > 0) base += sum(plan.groupScores, first);
    if (this.isHopeless(base, first)) return;
    if (plan.nodeChecks.length > 0 || plan.nodeScores.length > 0)
      return this.walk(order, block, base);
    const slot = order.firstFit(ask, bit, block);
    if (slot >= 0) this.offer(slot, base + plan.orderedWeight * this.groups.keyOf(slot));
  }

  private walk(order: NodeOrder, block: number, base: number): void {
    const { plan } = this;
    order.walk(this.ask, this.bit, block, (slot) => {
      if (this.isHopeless(base, slot)) return false;
      if (passes(plan.nodeChecks, slot)) {
        const ordered = plan.orderedWeight * this.groups.keyOf(slot);
        this.offer(slot, base + ordered + sum(plan.nodeScores, slot));
      }
      return true;
    });
  }

  /** Keys fall within a group, so when this node cannot win, none after it can. */
  private isHopeless(base: number, slot: number): boolean {
    const { plan } = this;
    const most = base + plan.orderedWeight * this.groups.keyOf(slot) + plan.nodeScoresBound;
    return most <= this.score;
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
