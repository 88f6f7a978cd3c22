import type { LabelReader, NodeCheck } from '../filters/filter.js';
import { labelValue } from '../labels.js';
import type { Profile } from '../profile.js';
import type { NodeScore, WeightedScore } from '../scores/score.js';
import type { LabelSet, PodClass, PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';
import type { Candidate, Layout, Layouts } from './layout.js';
import type { NodeGroups } from './node-groups.js';

interface Weighted {
  readonly rate: NodeScore;
  readonly weight: number;
}

interface Bounded extends Weighted {
  readonly bound: number;
}

/**
 * How to look for nodes for one class of pods: which rules are asked once per group and which node by node.
 * It holds as long as `isCurrent`.
 */
export interface PlacementPlan {
  readonly podClass: PodClass;
  /** Undefined when labels do not matter. */
  readonly labels: LabelSet | undefined;
  /** Its sections are groups that `groupChecks` and `groupScores` cannot tell apart. */
  readonly layout: Layout;
  /** Whether sections are told apart at each decision; if not, none is refused and all are as good. */
  readonly ratesSections: boolean;
  /** Whether nodes of one group are told apart by more than the order. */
  readonly ratesNodes: boolean;
  /** Asked of any one node of a section, each time. */
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

/** Labels matter to the plan only where a placed pod keeps off pods with such labels. */
export function labelsFor({ labelSet }: PodHandle): LabelSet | undefined {
  return labelSet.membership.repelledBy.length > 0 ? labelSet : undefined;
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
  layouts: Layouts,
): PlacementPlan {
  const checks = sortChecks(snapshot, pod, profile, groups);
  const scores = sortScores(snapshot, pod, profile, groups);
  groups.refresh();
  const candidates: Candidate[] = [];
  for (const group of groups.all()) {
    const sample = group.members[0]!;
    if (!checks.once.every((check) => check.fits(sample))) continue;
    const { rate, weight } = scores.ordered;
    const orderedBase = weight === 0 ? 0 : weight * (rate(sample) - groups.keyOf(sample));
    const base = orderedBase + sum(scores.once, sample);
    candidates.push({ order: group.order, sample, base });
  }
  const labels = checks.labels && scores.labels && [...checks.labels, ...scores.labels];
  const sections = sectionsOf(candidates, snapshot, labels);
  return {
    podClass: pod.podClass,
    labels: labelsFor(pod),
    layout: layouts.of(sections, groups.version),
    groupsVersion: groups.version,
    countersVersion: snapshot.topology.version,
    repellers: pod.labelSet.membership.repelledBy.length,
    orderedWeight: scores.ordered.weight,
    nodeScoresBound: boundOf(scores.perNode),
    ratesSections: checks.perGroup.length > 0 || scores.perGroup.length > 0,
    ratesNodes: checks.perNode.length > 0 || scores.perNode.length > 0,
    groupChecks: checks.perGroup,
    groupScores: scores.perGroup,
    nodeChecks: checks.perNode,
    nodeScores: scores.perNode,
  };
}

/** Groups with the same values of these labels; each for itself when labels are not all that is read. */
function sectionsOf(
  candidates: readonly Candidate[],
  { nodes }: Snapshot,
  labels: readonly string[] | undefined,
): Candidate[][] {
  if (!labels) return candidates.map((candidate) => [candidate]);
  const sections = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const traits = nodes.traits[candidate.sample]!;
    const values = labels.map((label) => labelValue(traits.labels, label) ?? null);
    const key = JSON.stringify(values);
    const section = sections.get(key);
    if (section) section.push(candidate);
    else sections.set(key, [candidate]);
  }
  return [...sections.values()];
}

function boundOf(scores: readonly Bounded[]): number {
  return scores.reduce((total, { weight, bound }) => total + weight * bound, 0);
}

export function sum(scores: readonly Weighted[], slot: number): number {
  let total = 0;
  for (const { rate, weight } of scores) total += weight * rate(slot);
  return total;
}

/**
 * The labels that the rule reads, when nodes of one group always get the same answer, and else undefined; asks for
 * the division that makes it so.
 */
function labelsInGroup(
  rule: Profile['filters'][number] | WeightedScore['score'],
  snapshot: Snapshot,
  pod: PodHandle,
  groups: NodeGroups,
): string[] | undefined {
  if (rule.reads === 'usage') return undefined;
  const labels = rule.labels?.(snapshot, pod) ?? [];
  const dividing = labels.flatMap((label) => label ?? []);
  const isAlike = dividing.length === labels.length && dividing.every((l) => groups.divideBy(l));
  return isAlike ? dividing : undefined;
}

/** What rules read of a node beside its pods, one after the other; undefined once one reads more than labels. */
class LabelsRead {
  labels: string[] | undefined = [];

  add(rule: LabelReader, read: readonly string[]): void {
    if (rule.readsOnlyLabels) this.labels?.push(...read);
    else this.labels = undefined;
  }
}

function sortChecks(snapshot: Snapshot, pod: PodHandle, profile: Profile, groups: NodeGroups) {
  const once: NodeCheck[] = [];
  const perGroup: NodeCheck[] = [];
  const perNode: NodeCheck[] = [];
  const reads = new LabelsRead();
  for (const filter of profile.filters) {
    const check = filter.prepare(snapshot, pod);
    // The walk over a group looks at resources by itself.
    if (!check || filter.name === 'resources') continue;
    const read = labelsInGroup(filter, snapshot, pod, groups);
    if (!read) perNode.push(check);
    else if (filter.reads === 'node') once.push(check);
    else {
      perGroup.push(check);
      reads.add(filter, read);
    }
  }
  return { once, perGroup, perNode, labels: reads.labels };
}

function sortScores(snapshot: Snapshot, pod: PodHandle, profile: Profile, groups: NodeGroups) {
  const once: Weighted[] = [];
  const perGroup: Weighted[] = [];
  const perNode: Bounded[] = [];
  const reads = new LabelsRead();
  let ordered: Weighted = { rate: () => 0, weight: 0 };
  for (const { score, weight } of profile.scores) {
    const rate = score.prepare(snapshot, pod);
    if (!rate) continue;
    if (score.order !== undefined && ordered.weight === 0) {
      ordered = { rate, weight };
      continue;
    }
    const read = labelsInGroup(score, snapshot, pod, groups);
    if (!read) perNode.push({ rate, weight, bound: score.bound ?? 1 });
    else if (score.reads === 'node') once.push({ rate, weight });
    else {
      perGroup.push({ rate, weight });
      reads.add(score, read);
    }
  }
  return { once, perGroup, perNode, labels: reads.labels, ordered };
}
