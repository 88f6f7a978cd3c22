import { termMatches } from '../node-selector.js';
import { nameList, plural, type Filter } from './filter.js';

const name = 'volumes';

/** A node must reach a volume of each claim: VolumeBinding and the node affinity of volumes. */
export const volumesFilter: Filter = {
  name,
  reads: 'node',
  labels: (_snapshot, { podClass: { volumes } }) =>
    volumes.flatMap(({ terms }) => terms.flat().map((requirement) => requirement.label)),
  prepare({ nodes }, { podClass: { volumes } }) {
    if (volumes.length === 0) return undefined;
    const missing = (slot: number) =>
      volumes.find(({ terms }) => !terms.some((term) => termMatches(term, nodes.traits[slot]!)));
    return {
      fits: (slot) => missing(slot) === undefined,
      refusals(slot) {
        const claim = missing(slot);
        if (!claim) return [];
        const { reason } = claim;
        return [{ filter: name, reason, message: `cannot be used, since ${reason}` }];
      },
    };
  },
  phrase(refused) {
    const count = refused.length;
    return `${count} cannot be used, since ${refused[0]!.refusal.reason}`;
  },
  suggest: (refused) =>
    `make a volume that ${nameList(refused.map((r) => r.node))} ${plural(refused.length, 'reaches', 'reach')}`,
};
