import type { NodeCheck } from '../filters/filter.js';
import type { Profile } from '../profile.js';
import type { NodeScore, WeightedScore } from '../scores/score.js';
import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';
import type { NodeGroups } from './node-groups.js';
import type { NodeOrder } from './node-order.js';

interface Weighted {
  readonly rate: NodeScore;
  readonly weight: number;
}

interface Bounded extends Weighted {
  readonly bound: number;
}

/** A group that passes everything that is decided for all its nodes alike, for as long as no node changes. */
export interface Candidate {
  readonly order: NodeOrder;
  /**
   * What rules about nodes alone give to each of its nodes, and what the ordered score gives beside the
   * weight times the key.
   */
  readonly base: number;
}

/**
 * How to look for nodes for one class of pods: which rules are asked once per group and which node by node.
 * It holds as long as `isCurrent`.
 */
export interface PlacementPlan {
  readonly candidates: readonly Candidate[];
  /** The same side by side, since most of them are passed over: the groups' numbers and the bases. */
  readonly numbers: Int32Array;
  readonly bases: Float64Array;
  /** Asked of any one node of a group, each time. */
  readonly groupChecks: readonly NodeCheck[];
  readonly groupScores: readonly Weighted[];
  /** No group gets more than this from `groupScores`. */
  readonly groupScoresBound: number;
  /** Asked of each node that has room. */
  readonly nodeChecks: readonly NodeCheck[];
  readonly nodeScores: readonly Weighted[];
  /** No node gets more than this from `nodeScores`. */
  readonly nodeScoresBound: number;
  /** The weight of the score that follows the order of groups; 0 when the profile has none. */
  readonly orderedWeight: number;
  readonly groupsVersion: number;
  readonly countersVersion: number;
  /** Terms of placed pods that are about this one. */
  readonly repellers: number;
}

export function isCurrent(
  plan: PlacementPlan,
  { labelSet }: PodHandle,
  groups: NodeGroups,
  snapshot: Snapshot,
): boolean {
  return (
    plan.groupsVersion === groups.version &&
    plan.countersVersion === snapshot.topology.version &&
    plan.repellers === labelSet.membership.repelledBy.length
  );
}

/** Prepares all rules of the profile for this pod and divides the nodes by what they read, where that can be. */
export function makePlan(
  snapshot: Snapshot,
  pod: PodHandle,
  profile: Profile,
  groups: NodeGroups,
): PlacementPlan {
  const checks = sortChecks(snapshot, pod, profile, groups);
  const scores = sortScores(snapshot, pod, profile, groups);
  groups.refresh();
  const candidates: Candidate[] = [];
  for (const group of groups.all()) {
    const sample = group.order.first;
    if (!checks.once.every((check) => check.fits(sample))) continue;
    const { rate, weight } = scores.ordered;
    const orderedBase = weight === 0 ? 0 : weight * (rate(sample) - groups.keyOf(sample));
    candidates.push({ order: group.order, base: orderedBase + sum(scores.once, sample) });
  }
  return {
    candidates,
    numbers: Int32Array.from(candidates, ({ order }) => order.number),
    bases: Float64Array.from(candidates, ({ base }) => base),
    groupChecks: checks.perGroup,
    groupScores: scores.perGroup,
    groupScoresBound: boundOf(scores.perGroup),
    nodeChecks: checks.perNode,
    nodeScores: scores.perNode,
    nodeScoresBound: boundOf(scores.perNode),
    orderedWeight: scores.ordered.weight,
    groupsVersion: groups.version,
    countersVersion: snapshot.topology.version,
    repellers: pod.labelSet.membership.repelledBy.length,
  };
}

function boundOf(scores: readonly Bounded[]): number {
  return scores.reduce((total, { weight, bound }) => total + weight * bound, 0);
}

export function sum(scores: readonly Weighted[], slot: number): number {
  let total = 0;
  for (const { rate, weight } of scores) total += weight * rate(slot);
  return total;
}

/** Whether nodes of one group always get the same answer; asks for the division that makes it so. */
function isAlikeInGroup(
  rule: Profile['filters'][number] | WeightedScore['score'],
  snapshot: Snapshot,
  pod: PodHandle,
  groups: NodeGroups,
): boolean {
  if (rule.reads === 'usage') return false;
  const labels = rule.labels?.(snapshot, pod) ?? [];
  return labels.every((label) => label !== undefined && groups.divideBy(label));
}

function sortChecks(snapshot: Snapshot, pod: PodHandle, profile: Profile, groups: NodeGroups) {
  const sorted = {
    once: [] as NodeCheck[],
    perGroup: [] as NodeCheck[],
    perNode: [] as NodeCheck[],
  };
  for (const filter of profile.filters) {
    const check = filter.prepare(snapshot, pod);
    // The walk over a group looks at resources by itself.
    if (!check || filter.name === 'resources') continue;
    if (!isAlikeInGroup(filter, snapshot, pod, groups)) sorted.perNode.push(check);
    else sorted[filter.reads === 'node' ? 'once' : 'perGroup'].push(check);
  }
  return sorted;
}

function sortScores(snapshot: Snapshot, pod: PodHandle, profile: Profile, groups: NodeGroups) {
  const once: Weighted[] = [];
  const perGroup: Bounded[] = [];
  const perNode: Bounded[] = [];
  let ordered: Weighted = { rate: () => 0, weight: 0 };
  for (const { score, weight } of profile.scores) {
    const rate = score.prepare(snapshot, pod);
    if (!rate) continue;
    const bound = score.bound ?? 1;
    if (score.order !== undefined && ordered.weight === 0) ordered = { rate, weight };
    else if (!isAlikeInGroup(score, snapshot, pod, groups)) perNode.push({ rate, weight, bound });
    else if (score.reads === 'node') once.push({ rate, weight });
    else perGroup.push({ rate, weight, bound });
  }
  return { once, perGroup, perNode, ordered };
}
