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
    search.run();
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

  /** Begins with the group that promises most, so that of the others few are worth a visit. */
  run(): void {
    const { candidates } = this.plan;
    const first = this.mostPromising();
    if (first >= 0) this.consider(candidates[first]!);
    for (let i = 0; i < candidates.length; i++) if (i !== first) this.consider(candidates[i]!);
  }

  private mostPromising(): number {
    const { candidates, orderedWeight } = this.plan;
    const { prospects } = this.groups;
    let first = -1;
    let most = -Infinity;
    for (let i = 0; i < candidates.length; i++) {
      const { order, base } = candidates[i]!;
      const promise = base + orderedWeight * prospects.at(this.bit, order.number);
      if (promise <= most) continue;
      first = i;
      most = promise;
    }
    return first;
  }

  private consider({ order, base }: Candidate): void {
    const { plan, ask, bit } = this;
    const key = this.groups.prospects.at(bit, order.number);
    if (key === -Infinity || this.isHopeless(base + plan.groupScoresBound, key)) return;
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
