import type { Choice } from '../evaluation.js';
import type { NodeCheck } from '../filters/filter.js';
import type { LabelSet, PodClass } from '../pod-class.js';
import type { Profile } from '../profile.js';
import type { Ask } from '../resource-table.js';
import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';
import { NodeGroups } from './node-groups.js';
import type { Visitor } from './node-order.js';
import { isCurrent, makePlan, sum, type PlacementPlan } from './placement-plan.js';

/** Plans that are kept; all are made anew when there are more. */
const maxPlans = 20_000;
const recentMask = 4_095;

interface RecentPlan {
  readonly podClass: PodClass;
  readonly labels: LabelSet | undefined;
  readonly plan: PlacementPlan;
}

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
  /** Plans used last, by the low bits of the ids, before any table is searched. */
  private readonly recent: (RecentPlan | undefined)[];
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
    const { podClass, labelSet } = pod;
    // Labels matter to the plan only where a placed pod keeps off pods with such labels.
    const labels = labelSet.membership.repelledBy.length > 0 ? labelSet : undefined;
    const at = (podClass.id ^ (labels === undefined ? 0 : labels.id << 2)) & recentMask;
    const recent = this.recent[at];
    if (recent !== undefined && recent.podClass === podClass && recent.labels === labels) {
      if (isCurrent(recent.plan, pod, this.groups, this.snapshot)) return recent.plan;
    }
    const plan = this.plannedFor(pod, labels);
    this.recent[at] = { podClass, labels, plan };
    return plan;
  }

  private plannedFor(pod: PodHandle, labels: LabelSet | undefined): PlacementPlan {
    let byLabels = this.plans.get(pod.podClass);
    const known = byLabels?.get(labels);
    if (known && isCurrent(known, pod, this.groups, this.snapshot)) return known;
    const plan = makePlan(this.snapshot, pod, this.profile, this.groups);
    if (!known && this.planCount++ >= maxPlans) {
      this.plans.clear();
      this.planCount = 1;
      byLabels = undefined;
    }
    if (!byLabels) this.plans.set(pod.podClass, (byLabels = new Map()));
    byLabels.set(labels, plan);
    return plan;
  }
}

/** One search after the other; the best of the last one. */
class Search implements Visitor {
  slot = -1;
  score = -Infinity;
  private plan!: PlacementPlan;
  private ask = noAsk;
  private bit = 0;
  /** What the nodes have that are being walked, beside what depends on each. */
  private rated = 0;

  constructor(private readonly groups: NodeGroups) {}

  /** Begins with the group that promises most, so that of the others few are worth a visit. */
  run(plan: PlacementPlan, ask: Ask, bit: number): void {
    this.plan = plan;
    this.ask = ask;
    this.bit = bit;
    this.slot = -1;
    this.score = -Infinity;
    if (plan.groupChecks.length > 0 || plan.groupScores.length > 0) rateSections(plan);
    const first = this.mostPromising();
    if (first < 0) return;
    const { prospects } = this.groups;
    const { numbers, bases, sections, ratings } = plan;
    for (let section = 0; section < ratings.length; section++) {
      const rating = ratings[section]!;
      if (rating === -Infinity) continue;
      const end = sections[section + 1]!;
      for (let i = sections[section]!; i < end; i++) {
        if (i === first) continue;
        const key = prospects.at(bit, numbers[i]!);
        if (key === -Infinity || this.isHopeless(bases[i]! + rating, key)) continue;
        this.consider(i, bases[i]! + rating);
      }
    }
  }

  /** Considers the group whose base, rating and prospect together are most; -1 when none has room. */
  private mostPromising(): number {
    const { numbers, bases, sections, ratings, orderedWeight } = this.plan;
    const { prospects } = this.groups;
    let most = -Infinity;
    let first = -1;
    let rated = 0;
    for (let section = 0; section < ratings.length; section++) {
      const rating = ratings[section]!;
      if (rating === -Infinity) continue;
      const [from, to] = [sections[section]!, sections[section + 1]!];
      const i = prospects.most(this.bit, numbers, bases, from, to, orderedWeight);
      if (i < 0) continue;
      const key = prospects.at(this.bit, numbers[i]!);
      const promise = rating + bases[i]! + (orderedWeight === 0 ? 0 : orderedWeight * key);
      if (promise <= most) continue;
      most = promise;
      first = i;
      rated = bases[i]! + rating;
    }
    if (first >= 0) this.consider(first, rated);
    return first;
  }

  private consider(candidate: number, rated: number): void {
    const { plan, ask, bit } = this;
    const order = plan.orders[candidate]!;
    if (plan.nodeChecks.length > 0 || plan.nodeScores.length > 0) {
      this.rated = rated;
      order.walk(ask, bit, this);
      return;
    }
    const slot = order.firstFit(ask, bit);
    if (slot >= 0) this.offer(slot, rated + plan.orderedWeight * order.keyOf(slot));
  }

  wants(key: number, slot: number): boolean {
    const { orderedWeight, nodeScoresBound } = this.plan;
    const most = this.rated + orderedWeight * key + nodeScoresBound;
    return most > this.score || (most === this.score && slot < this.slot);
  }

  visit(slot: number, key: number): void {
    const { nodeChecks, nodeScores, orderedWeight } = this.plan;
    if (!passes(nodeChecks, slot)) return;
    const own = nodeScores.length > 0 ? sum(nodeScores, slot) : 0;
    this.offer(slot, this.rated + orderedWeight * key + own);
  }

  /** Of equally good nodes the one in the lowest slot is taken, so groups that could draw are looked at too. */
  private isHopeless(base: number, key: number): boolean {
    const { plan } = this;
    return base + plan.orderedWeight * key + plan.nodeScoresBound < this.score;
  }

  private offer(slot: number, score: number): void {
    if (score < this.score || (score === this.score && slot > this.slot)) return;
    this.slot = slot;
    this.score = score;
  }
}

function rateSections({ samples, ratings, groupChecks, groupScores }: PlacementPlan): void {
  for (let section = 0; section < ratings.length; section++) {
    const sample = samples[section]!;
    const isPossible = passes(groupChecks, sample);
    ratings[section] = isPossible ? sum(groupScores, sample) : -Infinity;
  }
}

function passes(checks: readonly NodeCheck[], slot: number): boolean {
  for (let i = 0; i < checks.length; i++) if (!checks[i]!.fits(slot)) return false;
  return true;
}
