import { adviceText, allChanges, firstChanges } from '../advice/advice.js';
import type { Change } from '../advice/change.js';
import { Rehearsal } from '../advice/rehearsal.js';
import { evaluate } from '../evaluation.js';
import type { PodInput } from '../input.js';
import type { Profile } from '../profile.js';
import type { Snapshot } from '../snapshot.js';
import { candidatesOf, type Candidate } from './candidates.js';
import type { NodeExplanation } from './node-explanation.js';
import {
  countRefusals,
  groupRefusals,
  type RefusalCount,
  type RefusedNode,
} from './refusal-groups.js';
import { boundSentence, fitSentence, refusalSentence } from './sentence.js';
import { hint } from './suggestion.js';

/** Why a pod can or cannot run on each node; `message` and `suggestion` are for people. */
export interface PlacementExplanation {
  readonly message: string;
  readonly nodes: readonly NodeExplanation[];
  /** How many nodes each filter refuses for each reason, and the first of their names. */
  readonly refusals: readonly RefusalCount[];
  readonly suggestion?: string;
  /** What would make it fit: each was tried on the snapshot and suffices by itself. */
  readonly changes: readonly Change[];
  /** Where it fits: the best nodes with what each score gave them. */
  readonly candidates: readonly Candidate[];
  /** Names of the filters that refused some node, the one that refused most first. */
  readonly refusedBy: readonly string[];
}

export interface ExplainOptions {
  /** Makes it the story of a pod that runs there. */
  readonly boundTo?: string;
  /** All kinds of changes that would help, rather than the first that are found. */
  readonly thorough?: boolean;
}

/** Runs every filter on every node. */
export function explain(
  snapshot: Snapshot,
  pod: PodInput,
  profile: Profile,
  { boundTo, thorough = false }: ExplainOptions = {},
): PlacementExplanation {
  const handle = snapshot.handle(pod);
  const { checks, score } = evaluate(snapshot, handle, profile);
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
  const refusals = countRefusals(refused);
  const candidates = candidatesOf(snapshot, handle, profile, nodes, boundTo);
  const told = { nodes, refusals, candidates, refusedBy };
  if (boundTo !== undefined) {
    return { ...told, message: boundSentence(profile, nodes, boundTo), changes: [] };
  }
  if (refused.length < nodes.length)
    return { ...told, message: fitSentence(profile, nodes), changes: [] };
  const rehearsal = new Rehearsal(snapshot, profile, pod, refused);
  const search = thorough ? allChanges : firstChanges;
  const changes = nodes.length > 0 ? search(rehearsal) : [];
  const advice = adviceText(changes) ?? hint(profile, refused);
  const groups = groupRefusals(
    profile,
    refused.map(({ node, refusals: all }) => ({ node, refusal: all[0]! })),
  );
  const message = refusalSentence(nodes.length, groups, advice);
  return { ...told, message, changes, ...(advice ? { suggestion: advice } : {}) };
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
