import type { DisruptionBudget } from '../preemption/disruption-budgets.js';
import type { PodHandle } from '../pod-class.js';
import type { Profile } from '../profile.js';
import type { PlacedPod, Rehearsal, Snapshot } from '../snapshot.js';
import { figuresOf, type RebalanceFigures } from './figures.js';
import { freeNodes, type KeptNode } from './free-nodes.js';
import { makeRoom, type Room } from './make-room.js';
import { Moves, type Move } from './moves.js';

/** What may become of a pod: see `RebalanceOptions.sortOf`. */
export type PodSort = 'movable' | 'fixed' | 'with-node';

/** What may be done about fragmentation. */
export interface RebalanceOptions {
  /** Pods that may be moved in all. */
  readonly maxMoves: number;
  /** Pods are moved only as far as these allow. */
  readonly budgets: readonly DisruptionBudget[];
  /**
   * `movable` pods may go elsewhere; `fixed` ones keep their node in use; those that come `with-node` are one
   * on every node, as of a DaemonSet, and keep nothing in use.
   */
  readonly sortOf: (pod: PlacedPod) => PodSort;
  /** Pods that fit nowhere, the most important first: room is made for them before nodes are freed. */
  readonly pending?: readonly PodHandle[];
}

/** Moves to be made in this order, and what they are good for. */
export interface RebalancePlan {
  readonly moves: readonly Move[];
  /** Nodes that nothing runs on afterwards. */
  readonly freed: readonly string[];
  /** Pending pods that fit afterwards, by their number, and where. */
  readonly rooms: readonly Room[];
  /** Nodes that were looked at and stay in use, and why. */
  readonly kept: readonly KeptNode[];
  readonly before: RebalanceFigures;
  readonly after: RebalanceFigures;
}

/**
 * The fewest moves that were found to make room for pods that fit nowhere, and then to free whole nodes, by the
 * profile's rules and within the budgets. No pod moves twice, and none moves in vain: each move is part of a
 * step that gives a pod its place or a node its rest. A pod's new place suits while its old one is still taken,
 * since the one that replaces it comes before it has ended. A preview: the snapshot is afterwards as it was.
 */
export function planRebalancing(
  snapshot: Snapshot,
  profile: Profile,
  options: RebalanceOptions,
): RebalancePlan {
  return snapshot.rehearse((rehearsal) => plan(snapshot, profile, options, rehearsal));
}

/** Names under which pending pods are counted while a plan is made. */
const guest = (number: number) => `rebalance/pending/${number}`;

function plan(
  snapshot: Snapshot,
  profile: Profile,
  options: RebalanceOptions,
  rehearsal: Rehearsal,
): RebalancePlan {
  const moves = new Moves(snapshot, profile, options, rehearsal);
  const pending = options.pending ?? [];
  const before = figuresOf(snapshot, moves.inUse, pending.length);
  const rooms: Room[] = [];
  try {
    pending.forEach((handle, pod) => {
      const room = makeRoom(moves, handle);
      if (!room) return;
      rooms.push({ pod, ...room });
      snapshot.reserve(guest(pod), handle, room.node);
      moves.received(guest(pod), snapshot.nodes.slot(room.node)!);
    });
    const { freed, kept } = freeNodes(moves);
    const after = figuresOf(snapshot, moves.inUse, pending.length - rooms.length);
    return { moves: moves.made, freed, rooms, kept, before, after };
  } finally {
    for (const { pod } of rooms) snapshot.removePod(guest(pod));
  }
}
