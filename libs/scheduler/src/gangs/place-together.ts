import type { PodHandle } from '../pod-class.js';
import type { Decision, Scheduler } from '../scheduler.js';

/** A pod of a gang, by the uid under which it is to be held. */
export interface GangMember {
  readonly uid: string;
  readonly handle: PodHandle;
  /** The node that was cleared for it: it goes there if it fits. */
  readonly preferred?: string | undefined;
}

/** Which members got a node, and how many that were. */
export interface GangDecision {
  /** In the order of the members; undefined for one that found no room. */
  readonly decisions: readonly (Decision | undefined)[];
  readonly placed: number;
}

/**
 * Decides on the members one after the other, each counted at once, and keeps the places when at least
 * `required` found one; otherwise none is kept and the snapshot is as before. So a gang never holds room while
 * it waits for more, and two of them cannot keep each other waiting. `refused` is told of each member that
 * finds no room while those before it have theirs.
 */
export function placeTogether(
  scheduler: Scheduler,
  members: readonly GangMember[],
  required: number,
  refused?: (member: number) => void,
): GangDecision {
  const { snapshot } = scheduler;
  let placed = 0;
  const decisions = members.map(({ uid, handle, preferred }, i) => {
    // What cannot be enough any more need not be looked for.
    if (placed + members.length - i < required) return undefined;
    const cleared = preferred === undefined ? undefined : scheduler.decideFor(handle, preferred);
    const decision = cleared ?? scheduler.decide(handle);
    if (decision.node === undefined) {
      refused?.(i);
      return undefined;
    }
    snapshot.hold(uid, handle, decision.slot);
    placed += 1;
    return decision;
  });
  if (placed >= required) return { decisions, placed };
  members.forEach(({ uid }, i) => decisions[i] && snapshot.forget(uid));
  return { decisions: members.map(() => undefined), placed };
}
