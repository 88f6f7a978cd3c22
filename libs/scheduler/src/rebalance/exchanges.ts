import { evaluate } from '../evaluation.js';
import type { PodHandle } from '../pod-class.js';
import { ChangeSearch, type Change } from './change-search.js';
import type { Moves } from './moves.js';

/** Slots that are compared for one pod, those that lack least of what it asks for. */
const maxSlotsCompared = 100;
/** Slots on which room is gathered to see how many moves it takes, those that promise most. */
const maxSlotsTried = 24;

/** Where room could be gathered. */
interface Target {
  readonly slot: number;
  readonly ask: Float64Array;
  /** Moves that it seems to take. */
  readonly promise: number;
}

/**
 * Gathers what is free in small pieces on several nodes into one piece: a pod goes where its like has room, or
 * two pods of unlike size change places, over and over. Of nodes that lack cpu and others that lack memory both
 * become useful. Amounts tell what is worth a try; what is then done suits by all rules of the scheduler.
 */
export class Exchanges {
  private readonly search: ChangeSearch;

  constructor(private readonly moves: Moves) {
    this.search = new ChangeSearch(moves);
  }

  /** The slot where the pod fits after so many moves at most, which are left at that; undefined if none was found. */
  gather(pod: PodHandle, most: number): number | undefined {
    const { moves } = this;
    const before = moves.tried;
    let fewest = Math.min(most, moves.left) + 1;
    let best: Target | undefined;
    for (const target of this.targets(pod)) {
      if (this.gatherOn(target, pod, before + fewest - 1)) {
        best = target;
        fewest = moves.tried - before;
      }
      moves.undoTo(before);
    }
    if (!best || !this.gatherOn(best, pod, before + fewest)) return undefined;
    return best.slot;
  }

  private targets(pod: PodHandle): Target[] {
    const ask = this.search.amounts(pod.podClass.ask);
    return this.slots(pod, ask)
      .map((slot) => ({ slot, ask, promise: this.promise(slot, ask) }))
      .sort((a, b) => a.promise - b.promise)
      .slice(0, maxSlotsTried);
  }

  /** Slots that could hold the pod, by how much of it is missing there. */
  private slots(pod: PodHandle, ask: Float64Array): number[] {
    const { snapshot, profile, inUse } = this.moves;
    const { allocatable } = snapshot.nodes.resources;
    const checks = profile.filters
      .filter(({ reads }) => reads === 'node')
      .flatMap((filter) => filter.prepare(snapshot, pod) ?? []);
    return [...inUse]
      .filter((slot) => checks.every((check) => check.fits(slot)))
      .filter((slot) => ask.every((amount, c) => amount <= allocatable[c]![slot]!))
      .map((slot) => ({ slot, lack: this.search.lack(slot, ask) }))
      .sort((a, b) => a.lack - b.lack || a.slot - b.slot)
      .slice(0, maxSlotsCompared)
      .map(({ slot }) => slot);
  }

  /** How many moves it would take if what is gained first with each other slot could all be had together. */
  private promise(slot: number, ask: Float64Array): number {
    let left = this.search.lack(slot, ask);
    let moves = 0;
    const used = new Set<unknown>();
    for (const { pod, to, other, gain } of this.search.changes(slot, ask, 2)) {
      if (left <= 0) break;
      if (used.has(to) || used.has(pod)) continue;
      used.add(to).add(pod);
      moves += other ? 2 : 1;
      left -= gain * (other ? 2 : 1);
    }
    // What is left then counts as if it took many.
    return moves + Math.max(0, left) * 100;
  }

  private gatherOn(target: Target, pod: PodHandle, end: number): boolean {
    const { moves } = this;
    while (!evaluate(moves.snapshot, pod, moves.profile).fits(target.slot)) {
      if (!this.step(target, end - moves.tried)) return false;
    }
    return true;
  }

  /** One change for the better; false when there is none. */
  private step({ slot, ask }: Target, most: number): boolean {
    const { moves } = this;
    const make = ({ pod, to, other }: Change) =>
      moves.withinBudgets(other ? [pod, other] : [pod]) &&
      moves.change({ pod, from: slot, to }, other);
    return this.search.changes(slot, ask, most).some(make);
  }
}
