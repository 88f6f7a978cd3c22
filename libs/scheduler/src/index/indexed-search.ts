import type { Choice } from '../evaluation.js';
import type { NodeCheck } from '../filters/filter.js';
import type { LabelSet, PodClass } from '../pod-class.js';
import type { Profile } from '../profile.js';
import type { Ask } from '../resource-table.js';
import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';
import { Layouts, type Layout } from './layout.js';
import { NodeGroups } from './node-groups.js';
import type { Visitor } from './node-order.js';
import { isCurrent, labelsFor, makePlan, sum, type PlacementPlan } from './placement-plan.js';

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
  private readonly layouts = new Layouts();
  private planCount = 0;
  /** Plans used last, by the low bits of the ids, before any table is searched. */
  private readonly recent: (PlacementPlan | undefined)[];
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
    const { podClass } = pod;
    const labels = labelsFor(pod);
    const at = (podClass.id ^ (labels === undefined ? 0 : labels.id << 2)) & recentMask;
    const recent = this.recent[at];
    if (recent !== undefined && recent.podClass === podClass && recent.labels === labels) {
      if (isCurrent(recent, pod, this.groups, this.snapshot)) return recent;
    }
    const plan = this.plannedFor(pod, labels);
    this.recent[at] = plan;
    return plan;
  }

  private plannedFor(pod: PodHandle, labels: LabelSet | undefined): PlacementPlan {
    let byLabels = this.plans.get(pod.podClass);
    const known = byLabels?.get(labels);
    if (known && isCurrent(known, pod, this.groups, this.snapshot)) return known;
    const plan = makePlan(this.snapshot, pod, this.profile, this.groups, this.layouts);
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

  /** Begins with the group that promises most: often what it has is more than any other promises. */
  run(plan: PlacementPlan, ask: Ask, bit: number): void {
    this.plan = plan;
    this.ask = ask;
    this.bit = bit;
    this.slot = -1;
    this.score = -Infinity;
    const { layout } = plan;
    const ratings = plan.ratesSections ? rateSections(plan) : layout.unrated;
    const { prospects } = this.groups;
    this.compare(ratings);
    const { first, second } = prospects;
    if (first < 0) return;
    this.consider(first, layout.bases[first]! + ratings[sectionOf(layout, first)]!);
    if (second + plan.nodeScoresBound >= this.score) this.considerOthers(first, ratings);
  }

  private compare(ratings: Float64Array): void {
    const { bit } = this;
    const { layout, orderedWeight } = this.plan;
    const { sections } = layout;
    const { prospects } = this.groups;
    prospects.beginComparison();
    for (let section = 0; section < ratings.length; section++) {
      const rating = ratings[section]!;
      if (rating === -Infinity) continue;
      const end = sections[section + 1]!;
      prospects.compare(bit, layout, sections[section]!, end, rating, orderedWeight);
    }
  }

  /** Of equally good nodes the one in the lowest slot is taken, so groups that could draw are looked at too. */
  private considerOthers(first: number, ratings: Float64Array): void {
    const { layout, nodeScoresBound } = this.plan;
    const { promises, bases, sections } = layout;
    for (let section = 0; section < ratings.length; section++) {
      const rating = ratings[section]!;
      if (rating === -Infinity) continue;
      const end = sections[section + 1]!;
      for (let i = sections[section]!; i < end; i++) {
        const promise = promises[i]!;
        if (promise + nodeScoresBound < this.score || promise === -Infinity) continue;
        if (i !== first) this.consider(i, bases[i]! + rating);
      }
    }
  }

  private consider(candidate: number, rated: number): void {
    const { plan, ask, bit } = this;
    const order = plan.layout.orders[candidate]!;
    if (plan.ratesNodes) {
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

  private offer(slot: number, score: number): void {
    if (score < this.score || (score === this.score && slot > this.slot)) return;
    this.slot = slot;
    this.score = score;
  }
}

function rateSections({ layout, groupChecks, groupScores }: PlacementPlan): Float64Array {
  const { samples, ratings } = layout;
  for (let section = 0; section < ratings.length; section++) {
    const sample = samples[section]!;
    const isPossible = passes(groupChecks, sample);
    ratings[section] = isPossible ? sum(groupScores, sample) : -Infinity;
  }
  return ratings;
}

function sectionOf({ sections }: Layout, candidate: number): number {
  let section = 0;
  while (sections[section + 1]! <= candidate) section++;
  return section;
}

function passes(checks: readonly NodeCheck[], slot: number): boolean {
  for (let i = 0; i < checks.length; i++) if (!checks[i]!.fits(slot)) return false;
  return true;
}
