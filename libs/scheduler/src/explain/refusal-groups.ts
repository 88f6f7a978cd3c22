import type { Filter, NodeRefusal, Refusal } from '../filters/filter.js';
import type { Profile } from '../profile.js';

/** What keeps the pod off one node, by filter, in the filters' order. */
export interface RefusedNode {
  readonly node: string;
  readonly refusals: readonly Refusal[];
}

/** Refusals that are told together: one filter, one reason. */
export interface RefusalGroup {
  readonly filter: Filter;
  readonly refused: readonly NodeRefusal[];
}

export function groupRefusals(
  profile: Profile,
  refused: readonly NodeRefusal[],
): readonly RefusalGroup[] {
  const groups = new Map<string, NodeRefusal[]>();
  for (const one of refused) {
    const key = `${one.refusal.filter} ${one.refusal.reason}`;
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  const filters = new Map(profile.filters.map((filter) => [filter.name, filter]));
  return [...groups.values()]
    .sort((a, b) => b.length - a.length)
    .map((group) => ({ filter: filters.get(group[0]!.refusal.filter)!, refused: group }));
}
