import type { PodHandle } from '../pod-class.js';
import type { Profile } from '../profile.js';
import type { Snapshot } from '../snapshot.js';
import type { NodeExplanation } from './node-explanation.js';

/** Candidates that are told in full; the node that the pod runs on is always among them. */
const maxCandidates = 5;

/** A node that would take the pod, and by which scores it stands where it does. */
export interface Candidate {
  readonly node: string;
  readonly score: number;
  /** What each score contributes, with its weight; scores that say nothing about this pod are left out. */
  readonly scores: Readonly<Record<string, number>>;
}

/** The best nodes that fit, the first choice first. */
export function candidatesOf(
  snapshot: Snapshot,
  pod: PodHandle,
  profile: Profile,
  nodes: readonly NodeExplanation[],
  boundTo?: string,
): Candidate[] {
  const fitting = nodes.filter(({ fits }) => fits).sort((a, b) => b.score! - a.score!);
  const chosen = fitting.slice(0, maxCandidates);
  const own = fitting.find(({ name }) => name === boundTo);
  if (own && !chosen.includes(own)) chosen.push(own);
  if (chosen.length === 0) return [];
  const rates = profile.scores.flatMap(({ score, weight }) => {
    const rate = score.prepare(snapshot, pod);
    return rate ? [{ name: score.name, of: (slot: number) => weight * rate(slot) }] : [];
  });
  return chosen.map(({ name, score }) => {
    const slot = snapshot.nodes.slot(name)!;
    const scores = Object.fromEntries(rates.map((rate) => [rate.name, rate.of(slot)]));
    return { node: name, score: score!, scores };
  });
}
