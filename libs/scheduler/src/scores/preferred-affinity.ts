import { termMatches } from '../node-selector.js';
import type { Score } from './score.js';

/** The share of the pod's preferred node affinity, by weight, that the node meets. */
export const preferredAffinityScore: Score = {
  name: 'preferredNodeAffinity',
  reads: 'node',
  labels: (_snapshot, { podClass: { preferred } }) =>
    preferred.flatMap(({ term }) => term.map((requirement) => requirement.label)),
  prepare({ nodes }, { podClass: { preferred } }) {
    const total = preferred.reduce((sum, { weight }) => sum + weight, 0);
    if (total === 0) return undefined;
    return (slot) => {
      const node = nodes.traits[slot]!;
      let met = 0;
      for (const { weight, term } of preferred) if (termMatches(term, node)) met += weight;
      return met / total;
    };
  },
};
