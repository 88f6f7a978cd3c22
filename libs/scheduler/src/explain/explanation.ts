import { evaluate } from '../evaluation.js';
import type { Filter, NodeRefusal, Refusal } from '../filters/filter.js';
import type { Profile } from '../profile.js';
import type { PodHandle, Snapshot } from '../snapshot.js';
import { boundSentence, fitSentence, refusalSentence } from './sentence.js';
import { suggestion } from './suggestion.js';

/** One node's answer to one pod. */
export interface NodeExplanation {
  readonly name: string;
  readonly fits: boolean;
  /** Everything that keeps the pod off this node, not only the first. */
  readonly reasons: readonly string[];
  /** Only where it fits; comparable within one explanation. */
  readonly score?: number;
}

/** Why a pod can or cannot run on each node; `message` and `suggestion` are for people. */
export interface PlacementExplanation {
  readonly message: string;
  readonly nodes: readonly NodeExplanation[];
  readonly suggestion?: string;
}

/** What keeps the pod off one node, by filter, in the filters' order. */
export interface RefusedNode {
  readonly node: string;
  readonly refusals: readonly Refusal[];
}

/** Refusals that are told together: one filter, one reason. */
export interface RefusalGroup {
  readonly filter: Filter;
  readonly refused: readonly NodeRefusal[];
}

export function groupRefusals(
  profile: Profile,
  refused: readonly NodeRefusal[],
): readonly RefusalGroup[] {
  const groups = new Map<string, NodeRefusal[]>();
  for (const one of refused) {
    const key = `${one.refusal.filter} ${one.refusal.reason}`;
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  const filters = new Map(profile.filters.map((filter) => [filter.name, filter]));
  return [...groups.values()]
    .sort((a, b) => b.length - a.length)
    .map((group) => ({ filter: filters.get(group[0]!.refusal.filter)!, refused: group }));
}

/** Runs every filter on every node. `boundTo` makes it the story of a pod that runs there. */
export function explain(
  snapshot: Snapshot,
  pod: PodHandle,
  profile: Profile,
  boundTo?: string,
): PlacementExplanation {
  const { checks, score } = evaluate(snapshot, pod, profile);
  const nodes: NodeExplanation[] = [];
  const refused: RefusedNode[] = [];
  for (const slot of snapshot.nodes) {
    const name = snapshot.nodes.name(slot);
    const refusals = checks.flatMap((check) => check.refusals(slot));
    if (refusals.length > 0) refused.push({ node: name, refusals });
    nodes.push({
      name,
      fits: refusals.length === 0,
      reasons: refusals.map((refusal) => refusal.message),
      ...(refusals.length === 0 ? { score: score(slot) } : {}),
    });
  }
  if (boundTo !== undefined) return { message: boundSentence(profile, nodes, boundTo), nodes };
  if (refused.length < nodes.length) return { message: fitSentence(profile, nodes), nodes };
  const first = refused.map(({ node, refusals }) => ({ node, refusal: refusals[0]! }));
  const advice = suggestion(snapshot, pod, profile, refused);
  const message = refusalSentence(nodes.length, groupRefusals(profile, first), advice);
  return { message, nodes, ...(advice ? { suggestion: advice } : {}) };
}
