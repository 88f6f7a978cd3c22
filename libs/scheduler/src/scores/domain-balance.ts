import { noDomain } from '../topology/domains.js';
import type { SpreadTerm, TopologyTerms } from '../topology/topology-terms.js';
import type { NodeScore, Score } from './score.js';

/** Minus the pods by which the node's domains stand above the emptiest; a node without the label is last. */
function balance(terms: readonly SpreadTerm[]): NodeScore | undefined {
  if (terms.length === 0) return undefined;
  return (slot) => {
    let above = 0;
    for (const { counted } of terms) {
      const { counter } = counted;
      const isOutside = counter.domains.domainOf[slot] === noDomain;
      above += isOutside ? 1 + counter.total : counter.at(slot) - counter.minimum;
    }
    return -above;
  };
}

function keysOf(topology: TopologyTerms | undefined, hard: boolean): string[] {
  const terms = (topology?.spread ?? []).filter((term) => term.hard === hard);
  return terms.map((term) => term.topologyKey);
}

/** Below a hard spread a balanced fill places pods that packing would strand, so it outranks packing. */
export const hardSpreadScore: Score = {
  name: 'hardTopologySpread',
  reads: 'cluster',
  readsOnlyLabels: true,
  bound: 0,
  labels: (_snapshot, { podClass: { topology } }) => keysOf(topology, true),
  prepare: (_snapshot, { podClass: { topology } }) =>
    balance(topology?.spread.filter((term) => term.hard) ?? []),
};

/** A soft spread is a wish like others. */
export const softSpreadScore: Score = {
  name: 'softTopologySpread',
  reads: 'cluster',
  readsOnlyLabels: true,
  bound: 0,
  labels: (_snapshot, { podClass: { topology } }) => keysOf(topology, false),
  prepare: (_snapshot, { podClass: { topology } }) =>
    balance(topology?.spread.filter((term) => !term.hard) ?? []),
};
