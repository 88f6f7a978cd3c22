import type { PlacedPod } from '../snapshot.js';
import type { Moves } from './moves.js';

/** A node that stays in use, and what is in the way. */
export interface KeptNode {
  readonly node: string;
  /** `fixed` pods, disruption `budgets`, too little `room` elsewhere, or more pods than `moves` allows. */
  readonly reason: 'fixed' | 'budgets' | 'room' | 'moves';
  /** Uids of the pods that are in the way. */
  readonly pods: readonly string[];
}

/** Nodes that one plan looks at, those with the fewest pods first. */
const maxNodesTried = 1_000;
/** Nodes that stay, of which it is told why. */
const maxNodesKept = 100;

/** A node in use, and its pods that would have to move. */
interface Tenement {
  readonly slot: number;
  readonly pods: readonly PlacedPod[];
}

/**
 * Frees whole nodes: those with the fewest pods first, each only when all its pods have a place on other nodes
 * in use.
 */
export function freeNodes(moves: Moves): { freed: string[]; kept: KeptNode[] } {
  const freed: string[] = [];
  const kept: KeptNode[] = [];
  const { nodes } = moves.snapshot;
  for (const tenement of tenements(moves)) {
    const { slot } = tenement;
    if (moves.isKept(slot)) continue;
    const obstacle = free(moves, tenement);
    if (!obstacle) freed.push(nodes.name(slot));
    else if (kept.length < maxNodesKept) kept.push({ node: nodes.name(slot), ...obstacle });
    // Every further node has as many pods or more.
    if (moves.left <= 0) break;
  }
  return { freed, kept };
}

function tenements(moves: Moves): Tenement[] {
  const found = [...moves.inUse].map((slot) => ({ slot, pods: moves.tenants(slot) }));
  found.sort((a, b) => a.pods.length - b.pods.length || a.slot - b.slot);
  return found.slice(0, maxNodesTried);
}

const uids = (pods: readonly PlacedPod[]) => pods.map(({ uid }) => uid);

function free(moves: Moves, { slot, pods }: Tenement): Omit<KeptNode, 'node'> | undefined {
  const fixed = pods.filter((pod) => !moves.mayMove(pod));
  if (fixed.length > 0) return { reason: 'fixed', pods: uids(fixed) };
  if (pods.length > moves.left) return { reason: 'moves', pods: uids(pods) };
  if (!moves.withinBudgets(pods)) return { reason: 'budgets', pods: uids(pods) };
  const { inUse } = moves;
  inUse.delete(slot);
  for (const pod of pods.toSorted(largestFirst)) {
    const to = moves.placeFor(pod, slot);
    if (to === undefined) {
      moves.undoTo(0);
      inUse.add(slot);
      return { reason: 'room', pods: [pod.uid] };
    }
    moves.attempt({ pod, from: slot, to });
  }
  moves.make();
  return undefined;
}

/** Large pods find a place less easily, so they go first. */
function largestFirst(a: PlacedPod, b: PlacedPod): number {
  const size = ({ podClass: { ask } }: PlacedPod) => ask.amounts.reduce((sum, x) => sum + x, 0);
  return size(b) - size(a) || (a.uid < b.uid ? -1 : 1);
}
