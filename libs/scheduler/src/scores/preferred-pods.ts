import type { Score } from './score.js';

/** Preferred pod affinity and anti-affinity: the weights (of 100) of terms with such a pod in the domain. */
export const preferredPodsScore: Score = {
  name: 'preferredPodAffinity',
  reads: 'cluster',
  bound: Infinity,
  labels: (_snapshot, { podClass: { topology } }) =>
    (topology?.preferred ?? []).map((term) => term.topologyKey),
  prepare(_snapshot, { podClass: { topology } }) {
    const terms = topology?.preferred ?? [];
    if (terms.length === 0) return undefined;
    return (slot) => {
      let sum = 0;
      for (const { counted, weight } of terms) if (counted.counter.at(slot) > 0) sum += weight;
      return sum / 100;
    };
  },
};
