import type { NodeCheck } from './filters/filter.js';
import type { Profile } from './profile.js';
import type { NodeScore } from './scores/score.js';
import type { PodHandle } from './pod-class.js';
import type { Snapshot } from './snapshot.js';

/** A profile made ready for one pod: what applies to it, and nothing else. */
export interface Evaluation {
  readonly checks: readonly NodeCheck[];
  fits(slot: number): boolean;
  score: NodeScore;
}

/** Prepares all filters and scores that concern this pod. Valid until the snapshot changes. */
export function evaluate(snapshot: Snapshot, pod: PodHandle, profile: Profile): Evaluation {
  const checks = profile.filters.flatMap((filter) => filter.prepare(snapshot, pod) ?? []);
  const scores = profile.scores.flatMap(({ score, weight }) => {
    const rate = score.prepare(snapshot, pod);
    return rate ? [{ rate, weight }] : [];
  });
  return {
    checks,
    fits: (slot) => {
      for (const check of checks) if (!check.fits(slot)) return false;
      return true;
    },
    score: (slot) => {
      let sum = 0;
      for (const { rate, weight } of scores) sum += weight * rate(slot);
      return sum;
    },
  };
}

export interface Choice {
  readonly slot: number;
  readonly score: number;
}

/** The best node by looking at every one; of equals the lowest slot. The index must choose as well as this. */
export function bestByBruteForce(snapshot: Snapshot, evaluation: Evaluation): Choice | undefined {
  let best = -1;
  let bestScore = -Infinity;
  for (let slot = 0; slot < snapshot.nodes.end; slot++) {
    if (!snapshot.nodes.traits[slot] || !evaluation.fits(slot)) continue;
    const score = evaluation.score(slot);
    if (score > bestScore) {
      best = slot;
      bestScore = score;
    }
  }
  return best < 0 ? undefined : { slot: best, score: bestScore };
}
