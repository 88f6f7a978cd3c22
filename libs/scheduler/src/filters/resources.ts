import { amountText, resourceLabel } from '../amount-text.js';
import type { Filter, NodeRefusal, Refusal } from './filter.js';
import { plural } from './filter.js';

const name = 'resources';

function shortageOf(resource: string, free: number, asked: number, allocatable: number): Refusal {
  const label = resourceLabel(resource);
  const has = amountText(resource, Math.max(0, free));
  const message =
    allocatable === 0
      ? `has no ${label}, ${amountText(resource, asked)} asked`
      : `${has} ${label} free of ${amountText(resource, allocatable)}, ${amountText(resource, asked)} asked`;
  return {
    filter: name,
    reason: allocatable === 0 ? `no ${label}` : `too little ${label}`,
    message,
    shortage: { resource, free: Math.max(0, free), asked, allocatable },
  };
}

function largestFree(refused: readonly NodeRefusal[]): NodeRefusal {
  return refused.reduce((a, b) => (b.refusal.shortage!.free > a.refusal.shortage!.free ? b : a));
}

/** Requests of all pods on a node never exceed what it offers, for any resource. */
export const resourcesFilter: Filter = {
  name,
  reads: 'usage',
  prepare({ nodes }, { podClass: { ask } }) {
    const { resources } = nodes;
    return {
      fits: (slot) => resources.fits(slot, ask),
      refusals: (slot) =>
        [...ask.columns].flatMap((column, i) => {
          const asked = ask.amounts[i]!;
          const free = resources.free(column, slot);
          if (asked <= free) return [];
          const allocatable = resources.allocatable[column]![slot]!;
          return [shortageOf(resources.names[column]!, free, asked, allocatable)];
        }),
    };
  },
  phrase(refused) {
    const { resource, asked, allocatable } = refused[0]!.refusal.shortage!;
    const label = resourceLabel(resource);
    const count = refused.length;
    if (allocatable === 0) return `${count} ${plural(count, 'has', 'have')} no ${label}`;
    if (resource === 'pods') {
      return `${count} ${plural(count, 'runs', 'run')} as many pods as allowed`;
    }
    const best = largestFree(refused);
    const free = amountText(resource, best.refusal.shortage!.free);
    const ask = amountText(resource, asked);
    return `${count} ${plural(count, 'has', 'have')} too little ${label} (largest free ${free} on ${best.node}, ${ask} asked)`;
  },
  suggest(refused) {
    const best = largestFree(refused);
    const { resource, free } = best.refusal.shortage!;
    if (resource === 'pods') return `delete a pod on ${best.node}`;
    if (free <= 0) return undefined;
    return `lower the ${resourceLabel(resource)} request to ${amountText(resource, free)}`;
  },
};
