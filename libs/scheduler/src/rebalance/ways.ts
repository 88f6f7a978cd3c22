import type { PodHandle } from '../pod-class.js';
import type { Ask } from '../resource-table.js';
import type { PlacedPod, Snapshot } from '../snapshot.js';
import type { Moves } from './moves.js';

/** Pods of one slot whose going would leave enough there for another pod. */
export interface Way {
  readonly slot: number;
  readonly pods: readonly PlacedPod[];
  readonly size: number;
}

export interface WayLimits {
  /** Slots that are left out. */
  readonly barred: readonly number[];
  /** Only pods smaller than this make way. */
  readonly size: number;
  /** So many pods at most. */
  readonly most: number;
  /** Only these pods of the slot. */
  readonly may?: (pod: PlacedPod, slot: number) => boolean;
}

/** How large a pod is: the sum of its shares of what all nodes have. */
export type Measure = (pod: PlacedPod) => number;

export function measureOf({ nodes: { resources } }: Snapshot): Measure {
  const totals = resources.allocatable.map((amounts) =>
    amounts.reduce((sum, amount) => sum + amount, 0),
  );
  const known = new Map<Ask, number>();
  return ({ podClass: { ask } }) => {
    let size = known.get(ask);
    if (size === undefined) {
      const share = (column: number, i: number) =>
        totals[column]! > 0 ? ask.amounts[i]! / totals[column]! : 0;
      size = ask.columns.reduce((sum, column, i) => sum + share(column, i), 0);
      known.set(ask, size);
    }
    return size;
  };
}

/** Ways to let the pod in, the fewest pods first, of equally many the smallest. */
export function waysFor(
  moves: Moves,
  pod: PodHandle,
  measure: Measure,
  { barred, size, most, may = () => true }: WayLimits,
): Way[] {
  if (most <= 0) return [];
  const { snapshot, profile } = moves;
  const checks = profile.filters
    .filter(({ reads }) => reads === 'node')
    .flatMap((filter) => filter.prepare(snapshot, pod) ?? []);
  const ways: Way[] = [];
  for (const slot of moves.inUse) {
    if (barred.includes(slot) || !checks.every((check) => check.fits(slot))) continue;
    const missing = shortage(snapshot, pod.podClass.ask, slot);
    if (!missing) continue;
    const pods = moves
      .tenants(slot)
      .filter((one) => measure(one) < size && moves.mayMove(one) && may(one, slot));
    addSingles(ways, slot, pods, missing, measure);
    const several = most > 1 ? severalOf(slot, pods, missing, measure) : undefined;
    if (several && several.pods.length <= most) ways.push(several);
  }
  return ways.sort((a, b) => a.pods.length - b.pods.length || a.size - b.size || a.slot - b.slot);
}

interface Missing {
  readonly columns: readonly number[];
  readonly amounts: readonly number[];
}

/** What is missing; undefined where the node could never hold the pod. */
function shortage(snapshot: Snapshot, ask: Ask, slot: number): Missing | undefined {
  const { resources } = snapshot.nodes;
  const columns: number[] = [];
  const amounts: number[] = [];
  for (let i = 0; i < ask.columns.length; i++) {
    const column = ask.columns[i]!;
    const asked = ask.amounts[i]!;
    if (resources.allocatable[column]![slot]! < asked) return undefined;
    const short = asked - resources.free(column, slot);
    if (short <= 0) continue;
    columns.push(column);
    amounts.push(short);
  }
  return { columns, amounts };
}

function held({ podClass: { ask } }: PlacedPod, column: number): number {
  const at = ask.columns.indexOf(column);
  return at < 0 ? 0 : ask.amounts[at]!;
}

function suffices(pods: readonly PlacedPod[], { columns, amounts }: Missing): boolean {
  for (let i = 0; i < columns.length; i++) {
    let left = amounts[i]!;
    for (const pod of pods) left -= held(pod, columns[i]!);
    if (left > 0) return false;
  }
  return true;
}

/** Every pod that is enough by itself; of pods alike one. */
function addSingles(
  ways: Way[],
  slot: number,
  pods: readonly PlacedPod[],
  missing: Missing,
  measure: Measure,
): void {
  const seen = new Set<unknown>();
  for (const pod of pods) {
    if (seen.has(pod.podClass) || !suffices([pod], missing)) continue;
    seen.add(pod.podClass);
    ways.push({ slot, pods: [pod], size: measure(pod) });
  }
}

/** The smallest pods that are enough together, where none of them is by itself. */
function severalOf(
  slot: number,
  pods: readonly PlacedPod[],
  missing: Missing,
  measure: Measure,
): Way | undefined {
  const helpful = pods.filter((pod) => missing.columns.some((column) => held(pod, column) > 0));
  if (!suffices(helpful, missing)) return undefined;
  const chosen: PlacedPod[] = [];
  for (const pod of helpful.sort((a, b) => measure(a) - measure(b))) {
    chosen.push(pod);
    if (suffices(chosen, missing)) break;
  }
  // The last made it enough; what that one makes superfluous stays, the largest first.
  let needed: readonly PlacedPod[] = chosen;
  for (const pod of chosen.toReversed()) {
    const others = needed.filter((other) => other !== pod);
    if (suffices(others, missing)) needed = others;
  }
  if (needed.length < 2) return undefined;
  return { slot, pods: needed, size: needed.reduce((sum, pod) => sum + measure(pod), 0) };
}
