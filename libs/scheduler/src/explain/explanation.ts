import { evaluate } from '../evaluation.js';
import type { Profile } from '../profile.js';
import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';
import type { NodeExplanation } from './node-explanation.js';
import { groupRefusals, type RefusedNode } from './refusal-groups.js';
import { boundSentence, fitSentence, refusalSentence } from './sentence.js';
import { suggestion } from './suggestion.js';

/** Why a pod can or cannot run on each node; `message` and `suggestion` are for people. */
export interface PlacementExplanation {
  readonly message: string;
  readonly nodes: readonly NodeExplanation[];
  readonly suggestion?: string;
  /** Names of the filters that refused some node, the one that refused most first. */
  readonly refusedBy: readonly string[];
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
  const refusedBy = filtersByRefusals(refused);
  if (boundTo !== undefined) {
    return { message: boundSentence(profile, nodes, boundTo), nodes, refusedBy };
  }
  if (refused.length < nodes.length)
    return { message: fitSentence(profile, nodes), nodes, refusedBy };
  const first = refused.map(({ node, refusals }) => ({ node, refusal: refusals[0]! }));
  const advice = suggestion(snapshot, pod, profile, refused);
  const message = refusalSentence(nodes.length, groupRefusals(profile, first), advice);
  return { message, nodes, ...(advice ? { suggestion: advice } : {}), refusedBy };
}

function filtersByRefusals(refused: readonly RefusedNode[]): string[] {
  const counts = new Map<string, number>();
  for (const { refusals } of refused) {
    for (const filter of new Set(refusals.map((refusal) => refusal.filter))) {
      counts.set(filter, (counts.get(filter) ?? 0) + 1);
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([filter]) => filter);
}
