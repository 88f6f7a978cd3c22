import { noDomain } from '../topology/domains.js';
import type { SpreadTerm } from '../topology/topology-terms.js';
import { nameList, plural, type Filter, type Refusal } from './filter.js';

const name = 'topologySpread';

/** How far this domain would stand above the emptiest one with the pod in it. */
export function skewAfter(term: SpreadTerm, slot: number): number {
  const { counter } = term.counted;
  // Fewer domains than asked for count as if an empty one existed.
  const floor = counter.size < term.minDomains ? 0 : counter.minimum;
  return counter.at(slot) + (term.matchesSelf ? 1 : 0) - floor;
}

function refusalOf(term: SpreadTerm, slot: number): Refusal | undefined {
  const key = term.topologyKey;
  if (term.counted.counter.domains.domainOf[slot] === noDomain) {
    return { filter: name, reason: `label ${key}`, message: `has no label ${key}` };
  }
  const skew = skewAfter(term, slot);
  if (skew <= term.maxSkew) return undefined;
  const message = `its ${key} would be ${skew} pods above the emptiest, ${term.maxSkew} allowed`;
  return { filter: name, reason: `skew of ${key}`, message };
}

/** Hard topology spread: no domain may hold more than maxSkew pods above the emptiest. */
export const topologySpreadFilter: Filter = {
  name,
  reads: 'cluster',
  readsOnlyLabels: true,
  labels: (_snapshot, { podClass: { topology } }) =>
    (topology?.spread ?? []).filter((term) => term.hard).map((term) => term.topologyKey),
  prepare(_snapshot, { podClass: { topology } }) {
    const terms = topology?.spread.filter((term) => term.hard) ?? [];
    if (terms.length === 0) return undefined;
    const fits = (slot: number) => {
      for (const term of terms) {
        if (term.counted.counter.domains.domainOf[slot] === noDomain) return false;
        if (skewAfter(term, slot) > term.maxSkew) return false;
      }
      return true;
    };
    const refusals = (slot: number) => terms.flatMap((term) => refusalOf(term, slot) ?? []);
    return { fits, refusals };
  },
  phrase(refused) {
    const count = refused.length;
    const { reason } = refused[0]!.refusal;
    const key = reason.split(' ').at(-1);
    return reason.startsWith('label')
      ? `${count} ${plural(count, 'lacks', 'lack')} the label ${key}`
      : `${count} would break the spread over ${key}`;
  },
  suggest(refused) {
    const { reason } = refused[0]!.refusal;
    const key = reason.split(' ').at(-1)!;
    return reason.startsWith('label')
      ? `label ${nameList(refused.map((r) => r.node))} with ${key}`
      : `raise maxSkew or make room in the emptiest ${key}`;
  },
};
