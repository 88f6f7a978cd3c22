import { evaluate } from '../evaluation.js';
import type { PodHandle } from '../pod-class.js';
import type { PlacedPod } from '../snapshot.js';
import { Exchanges } from './exchanges.js';
import type { Moves } from './moves.js';
import { measureOf, waysFor, type Measure, type Way } from './ways.js';

/** The place that moves make for a pending pod. */
export interface Room {
  /** Its number among the pending ones. */
  readonly pod: number;
  readonly node: string;
  /** How many of the plan's moves make it. */
  readonly moves: number;
}

/** Ways to clear a place that are tried of which every pod has a place already. */
const maxDirectTries = 300;
/**
 * Further ones, by depth, whose pods need others to make way for them in turn: a small pod that is moved into a gap
 * lets a larger one follow, and so on.
 */
const chainedTries = [12, 4];
/** Moves made for one pending pod, at most, when a way to it is cleared. */
const maxMovesEach = 8;
/** And when room for it is gathered by exchanges. */
const maxMovesGathering = 16;

/**
 * Moves few and small pods so that the pending pod fits somewhere; none when it fits as it is. Undefined, with
 * nothing moved, when no way was found.
 */
export function makeRoom(moves: Moves, pending: PodHandle): Omit<Room, 'pod'> | undefined {
  const { snapshot, profile } = moves;
  const rules = evaluate(snapshot, pending, profile);
  for (const slot of snapshot.nodes) {
    if (rules.fits(slot)) return { node: snapshot.nodes.name(slot), moves: 0 };
  }
  const slot =
    new Clearing(moves).clear(pending, [], Infinity) ??
    new Exchanges(moves).gather(pending, maxMovesGathering);
  return slot === undefined ? undefined : { node: snapshot.nodes.name(slot), moves: moves.make() };
}

class Clearing {
  private readonly measure: Measure;

  constructor(private readonly moves: Moves) {
    this.measure = measureOf(moves.snapshot);
  }

  /**
   * Moves pods smaller than `size` away from some slot, and leaves it at that: the pod fits there now. Of the
   * `barred` slots pods are going away already.
   */
  clear(pod: PodHandle, barred: readonly number[], size: number): number | undefined {
    const { moves } = this;
    const isFirst = moves.tried === 0 && barred.length > 0;
    if (isFirst && moves.hopeless.has(pod.podClass)) return undefined;
    const most = Math.min(maxMovesEach - moves.tried, moves.left);
    const limits = { barred, size, most };
    const hasPlace = (one: PlacedPod, slot: number) => moves.placeFor(one, slot) !== undefined;
    const direct = waysFor(moves, pod, this.measure, { ...limits, may: hasPlace });
    const found = this.tryEach(pod, direct.slice(0, maxDirectTries), barred);
    if (found !== undefined) return found;
    const chained = waysFor(moves, pod, this.measure, limits);
    const slot = this.tryEach(pod, chained.slice(0, chainedTries[barred.length] ?? 0), barred);
    if (slot === undefined && isFirst) moves.hopeless.add(pod.podClass);
    return slot;
  }

  private tryEach(
    pod: PodHandle,
    ways: readonly Way[],
    barred: readonly number[],
  ): number | undefined {
    const { moves } = this;
    for (const way of ways) {
      const before = moves.tried;
      if (this.go(way, barred) && this.fits(pod, way.slot)) return way.slot;
      moves.undoTo(before);
    }
    return undefined;
  }

  private fits(pod: PodHandle, slot: number): boolean {
    return evaluate(this.moves.snapshot, pod, this.moves.profile).fits(slot);
  }

  /** All pods of the way go elsewhere; false, perhaps half done, when one cannot. */
  private go({ slot, pods }: Way, barred: readonly number[]): boolean {
    return (
      this.moves.withinBudgets(pods) && pods.every((pod) => this.goOne(pod, [...barred, slot]))
    );
  }

  private goOne(pod: PlacedPod, barred: readonly number[]): boolean {
    const { moves } = this;
    const from = barred.at(-1)!;
    if (moves.left <= 0) return false;
    let to = moves.placeFor(pod, from);
    if (to !== undefined && barred.includes(to)) to = undefined;
    if (to === undefined && barred.length < chainedTries.length) {
      to = this.clear(pod, barred, this.measure(pod));
    }
    if (to === undefined || moves.left <= 0) return false;
    moves.attempt({ pod, from, to });
    return true;
  }
}
