import type { Score } from './score.js';

/**
 * Preferred pod affinity and anti-affinity: matching pods in the node's domain times the weight, over all
 * terms; as a share of the most that any node could have, from -1 to 1.
 */
export const preferredPodsScore: Score = {
  name: 'preferredPodAffinity',
  reads: 'cluster',
  readsOnlyLabels: true,
  labels: (_snapshot, { podClass: { topology } }) =>
    (topology?.preferred ?? []).map((term) => term.topologyKey),
  prepare(_snapshot, { podClass: { topology } }) {
    const terms = topology?.preferred ?? [];
    if (terms.length === 0) return undefined;
    return (slot) => {
      let [sum, most] = [0, 0];
      for (const { counted, weight } of terms) {
        sum += weight * counted.counter.at(slot);
        most += Math.abs(weight) * counted.counter.maximum;
      }
      return most === 0 ? 0 : sum / most;
    };
  },
};
