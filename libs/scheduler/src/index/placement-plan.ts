import type { NodeCheck } from '../filters/filter.js';
import type { Profile } from '../profile.js';
import type { NodeScore, WeightedScore } from '../scores/score.js';
import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';
import type { NodeGroup, NodeGroups } from './node-groups.js';

interface Weighted {
  readonly rate: NodeScore;
  readonly weight: number;
}

/** A group that passes everything that is decided for all its nodes alike, for as long as no node changes. */
export interface Candidate {
  readonly group: NodeGroup;
  /** What rules about nodes alone give to each of its nodes. */
  readonly nodeScore: number;
  /** The ordered score of a node of this group is this plus the weight times its key in the group. */
  readonly orderedBase: number;
}

/**
 * How to look for nodes for one class of pods: which rules are asked once per group and which node by node.
 * It holds as long as `isCurrent`.
 */
export interface PlacementPlan {
  readonly candidates: readonly Candidate[];
  /** Asked of any one node of a group, each time. */
  readonly groupChecks: readonly NodeCheck[];
  readonly groupScores: readonly Weighted[];
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
    candidates.push({ group, nodeScore: sum(scores.once, sample), orderedBase });
  }
  const bounds = scores.perNode.map(({ weight, bound }) => weight * bound);
  return {
    candidates,
    groupChecks: checks.perGroup,
    groupScores: scores.perGroup,
    nodeChecks: checks.perNode,
    nodeScores: scores.perNode,
    nodeScoresBound: bounds.reduce((a, b) => a + b, 0),
    orderedWeight: scores.ordered.weight,
    groupsVersion: groups.version,
    countersVersion: snapshot.topology.version,
    repellers: pod.labelSet.membership.repelledBy.length,
  };
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
  const perGroup: Weighted[] = [];
  const perNode: (Weighted & { bound: number })[] = [];
  let ordered: Weighted = { rate: () => 0, weight: 0 };
  for (const { score, weight } of profile.scores) {
    const rate = score.prepare(snapshot, pod);
    if (!rate) continue;
    if (score.order !== undefined && ordered.weight === 0) ordered = { rate, weight };
    else if (!isAlikeInGroup(score, snapshot, pod, groups)) {
      perNode.push({ rate, weight, bound: score.bound ?? 1 });
    } else (score.reads === 'node' ? once : perGroup).push({ rate, weight });
  }
  return { once, perGroup, perNode, ordered };
}
