import { wellKnownResources } from '../resource-table.js';
import { isReclaimableResource } from '../reclaim/reclaimable.js';
import type { Score } from './score.js';

/** 0 on nodes with an extended resource that the pod does not ask for: those are kept for pods that do. */
export const reserveScore: Score = {
  name: 'reserve',
  reads: 'node',
  prepare({ nodes: { resources } }, { podClass: { ask } }) {
    const unasked: number[] = [];
    for (let c = wellKnownResources.length; c < resources.names.length; c++) {
      if (ask.columns.includes(c) || isReclaimableResource(resources.names[c]!)) continue;
      unasked.push(c);
    }
    if (unasked.length === 0) return undefined;
    return (slot) => (unasked.some((c) => resources.allocatable[c]![slot]! > 0) ? 0 : 1);
  },
};
