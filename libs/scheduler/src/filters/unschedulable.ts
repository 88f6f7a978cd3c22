import { untoleratedTaint } from '../tolerations.js';
import { nameList, plural, type Filter } from './filter.js';

const name = 'unschedulable';
const refusal = { filter: name, reason: 'cordoned', message: 'is cordoned' };
/** What a pod must tolerate to land on a cordoned node all the same. */
const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** A cordoned node takes no new pods. */
export const unschedulableFilter: Filter = {
  name,
  reads: 'node',
  prepare({ nodes }, { podClass: { tolerations } }) {
    if (!untoleratedTaint([cordonTaint], tolerations, ['NoSchedule'])) return undefined;
    const fits = (slot: number) => !nodes.traits[slot]!.unschedulable;
    return { fits, refusals: (slot) => (fits(slot) ? [] : [refusal]) };
  },
  phrase: ({ length }) => `${length} ${plural(length, 'is', 'are')} cordoned`,
  suggest: (refused) => `uncordon ${nameList(refused.map((r) => r.node))}`,
};
