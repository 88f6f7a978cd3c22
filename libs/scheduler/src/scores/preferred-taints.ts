import { untoleratedTaint } from '../tolerations.js';
import type { Score } from './score.js';

/** 1 on nodes without PreferNoSchedule taints that the pod does not tolerate, less with each such taint. */
export const preferredTaintsScore: Score = {
  name: 'preferredTaints',
  reads: 'node',
  prepare({ nodes }, { podClass: { tolerations } }) {
    return (slot) => {
      const { taints } = nodes.traits[slot]!;
      if (taints.length === 0) return 1;
      const untolerated = taints.filter((taint) =>
        untoleratedTaint([taint], tolerations, ['PreferNoSchedule']),
      );
      return 1 / (1 + untolerated.length);
    };
  },
};
