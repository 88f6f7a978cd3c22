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

/** Names told with a count. */
const maxNames = 10;

/** How many nodes one filter refuses for one reason, whatever else keeps the pod off them. */
export interface RefusalCount {
  readonly filter: string;
  readonly reason: string;
  readonly count: number;
  readonly nodes: readonly string[];
}

/** Largest first; a node that several filters refuse counts for each. */
export function countRefusals(refused: readonly RefusedNode[]): RefusalCount[] {
  const counts = new Map<
    string,
    { filter: string; reason: string; count: number; nodes: string[] }
  >();
  for (const { node, refusals } of refused) {
    for (const { filter, reason } of refusals) {
      const key = `${filter} ${reason}`;
      const known = counts.get(key) ?? { filter, reason, count: 0, nodes: [] };
      known.count += 1;
      if (known.nodes.length < maxNames) known.nodes.push(node);
      counts.set(key, known);
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}
