import type { RolloutBounds } from './bounds.js';

/** What a rollout needs to know of one ReplicaSet. */
export interface SetSize {
  readonly name: string;
  /** As it should be. */
  readonly replicas: number;
  /** Pods it was last seen to have; more than `replicas` while some are on their way out. */
  readonly present: number;
  /** Of these, available ones. */
  readonly available: number;
  /** Whether `present` was seen after the last change of `replicas`; until then it may still grow. */
  readonly settled: boolean;
}

/** New sizes by ReplicaSet name; sets that stay as they are do not appear. */
export type Resize = Map<string, number>;

const total = (sets: readonly SetSize[]) => sets.reduce((sum, set) => sum + set.replicas, 0);
/** A set that was just scaled down may still report the pods that are on their way out. */
const available = (set: SetSize) => Math.min(set.available, set.replicas);

/**
 * The next step of a rolling update. First the new set grows as far as the surge allows, then old sets shrink
 * as far as availability allows: unhealthy pods first, then healthy ones of the oldest set. `old` is ordered
 * oldest first. The step is safe to repeat: it depends only on what is there.
 */
export function rollingStep(
  bounds: RolloutBounds,
  fresh: SetSize,
  old: readonly SetSize[],
): Resize {
  const resize: Resize = new Map();
  const size = nextNewSize(bounds, fresh, old);
  if (size !== fresh.replicas) resize.set(fresh.name, size);
  // One direction at a time: shrinking counts on what the new set has, not on what it was just promised.
  if (size > fresh.replicas) return resize;
  for (const [name, replicas] of shrinkOld(bounds, { ...fresh, replicas: size }, old)) {
    resize.set(name, replicas);
  }
  return resize;
}

function nextNewSize(bounds: RolloutBounds, fresh: SetSize, old: readonly SetSize[]): number {
  const { desired, maxSurge } = bounds;
  if (fresh.replicas >= desired) return desired;
  // Pods that an old set was told to drop, or was about to make, still take their place.
  if (!old.every((set) => set.settled)) return fresh.replicas;
  const pods = [fresh, ...old].reduce((sum, set) => sum + Math.max(set.replicas, set.present), 0);
  const room = desired + maxSurge - pods;
  return fresh.replicas + Math.max(0, Math.min(room, desired - fresh.replicas));
}

function shrinkOld(bounds: RolloutBounds, fresh: SetSize, old: readonly SetSize[]): Resize {
  const resize: Resize = new Map();
  const minAvailable = bounds.desired - bounds.maxUnavailable;
  const missingInNew = fresh.replicas - available(fresh);
  let spare = fresh.replicas + total(old) - minAvailable - missingInNew;
  const left = old.map((set) => ({ ...set, available: available(set) }));
  for (const set of left) {
    const unhealthy = Math.min(Math.max(0, spare), set.replicas - set.available);
    set.replicas -= unhealthy;
    spare -= unhealthy;
  }
  let surplus = left.reduce((sum, set) => sum + set.available, available(fresh)) - minAvailable;
  for (const set of left) {
    const healthy = Math.max(0, Math.min(surplus, spare, set.replicas));
    set.replicas -= healthy;
    surplus -= healthy;
    spare -= healthy;
  }
  left.forEach((set, i) => {
    if (set.replicas !== old[i]!.replicas) resize.set(set.name, set.replicas);
  });
  return resize;
}

/** Recreate: old pods go first, and the new set starts once `oldPodsLeft` says none of them is there. */
export function recreateStep(
  desired: number,
  fresh: SetSize | undefined,
  old: readonly SetSize[],
  oldPodsLeft: boolean,
): Resize {
  const resize: Resize = new Map();
  for (const set of old) if (set.replicas > 0) resize.set(set.name, 0);
  if (resize.size > 0 || oldPodsLeft || !fresh) return resize;
  if (fresh.replicas !== desired) resize.set(fresh.name, desired);
  return resize;
}

/**
 * Spreads a change of the wished number over all sets in the middle of a rollout, each by its share, so that
 * scaling neither finishes nor undoes the rollout. The largest set takes what rounding leaves.
 */
export function proportionalResize(allowed: number, sets: readonly SetSize[]): Resize {
  const resize: Resize = new Map();
  const current = total(sets);
  const change = allowed - current;
  if (change === 0 || current === 0) return resize;
  const bySize = [...sets].sort((a, b) => b.replicas - a.replicas);
  let rest = change;
  const sizes = bySize.map((set) => {
    const share = Math.round((set.replicas * change) / current);
    const part = change > 0 ? Math.min(share, rest) : Math.max(share, rest, -set.replicas);
    rest -= part;
    return set.replicas + part;
  });
  sizes[0] = Math.max(0, sizes[0]! + rest);
  bySize.forEach((set, i) => {
    if (sizes[i] !== set.replicas) resize.set(set.name, sizes[i]!);
  });
  return resize;
}
