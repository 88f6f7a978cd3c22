import { termMatches, termText } from '../node-selector.js';
import { nameList, plural, type Filter, type Refusal } from './filter.js';

const name = 'nodeAffinity';

/** nodeSelector and required node affinity: the node's labels must be as the pod asks. */
export const nodeAffinityFilter: Filter = {
  name,
  reads: 'node',
  labels: (_snapshot, { podClass: { selector, affinity = [] } }) =>
    [...selector, ...affinity.flat()].map((requirement) => requirement.label),
  prepare({ nodes }, { podClass: { selector, affinity } }) {
    if (selector.length === 0 && affinity === undefined) return undefined;
    const refuse = (text: string, field: string): Refusal => ({
      filter: name,
      reason: `${field} ${text}`,
      message: `labels do not match ${field} ${text}`,
    });
    const bySelector = refuse(termText(selector), 'node selector');
    const terms = (affinity ?? []).map(termText).join(' or ') || '(no terms)';
    const byAffinity = refuse(terms, 'node affinity');
    const refusals = (slot: number) => {
      const node = nodes.traits[slot]!;
      if (selector.length > 0 && !termMatches(selector, node)) return [bySelector];
      const admitted = affinity === undefined || affinity.some((term) => termMatches(term, node));
      return admitted ? [] : [byAffinity];
    };
    return { fits: (slot) => refusals(slot).length === 0, refusals };
  },
  phrase(refused) {
    const count = refused.length;
    return `${count} ${plural(count, 'does', 'do')} not match ${refused[0]!.refusal.reason}`;
  },
  suggest(refused) {
    const labels = refused[0]!.refusal.reason.replace(/^node (selector|affinity) /, '');
    return `label ${nameList(refused.map((r) => r.node))} with ${labels}`;
  },
};
