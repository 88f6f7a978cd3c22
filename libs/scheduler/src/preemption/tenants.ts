import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';

/** What the snapshot does not know of a pod on a node. */
export interface TenantFacts {
  readonly startMs: number;
  /** It is being deleted: its place comes free without anybody's doing. */
  readonly isEnding: boolean;
}

/** A pod on a node, as somebody sees it who needs its place. */
export interface Tenant extends TenantFacts {
  readonly uid: string;
  readonly handle: PodHandle;
  readonly priority: number;
}

/** Facts of the pods on a node by uid. Pods that are missing in it stay where they are. */
export type TenantSource = (node: string) => ReadonlyMap<string, TenantFacts>;

/**
 * The pods on the node about which facts are known, the least important first. Empty, without asking for
 * facts, where no pod has a priority below `priority`.
 */
export function tenantsOn(
  snapshot: Snapshot,
  slot: number,
  priority: number,
  source: TenantSource,
): Tenant[] {
  const placed = snapshot.podsOn(slot);
  if (placed.every(({ podClass }) => podClass.priority >= priority)) return [];
  const facts = source(snapshot.nodes.name(slot));
  const tenants = placed.flatMap(({ uid, podClass, labelSet }): Tenant[] => {
    const known = facts.get(uid);
    if (!known) return [];
    return [{ ...known, uid, handle: { podClass, labelSet }, priority: podClass.priority }];
  });
  return tenants.sort(byImportance);
}

/** Lower priority first; of equals, who started last. The uid makes it an order of all. */
export function byImportance(a: Tenant, b: Tenant): number {
  return a.priority - b.priority || b.startMs - a.startMs || (a.uid < b.uid ? -1 : 1);
}
