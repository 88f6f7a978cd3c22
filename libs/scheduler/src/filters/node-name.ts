import { nameList, plural, type Filter } from './filter.js';

const name = 'nodeName';

/** A pod that names its node goes nowhere else. */
export const nodeNameFilter: Filter = {
  name,
  reads: 'node',
  labels: () => [undefined],
  prepare({ nodes }, { podClass: { nodeName } }) {
    if (!nodeName) return undefined;
    const refusal = {
      filter: name,
      reason: `not ${nodeName}`,
      message: `the pod names node ${nodeName}`,
    };
    return {
      fits: (slot) => nodes.name(slot) === nodeName,
      refusals: (slot) => (nodes.name(slot) === nodeName ? [] : [refusal]),
    };
  },
  phrase(refused) {
    const count = refused.length;
    return `${count} ${plural(count, 'is', 'are')} ${refused[0]!.refusal.reason}, which the pod names`;
  },
  suggest: (refused) => `remove spec.nodeName to allow ${nameList(refused.map((r) => r.node))}`,
};
