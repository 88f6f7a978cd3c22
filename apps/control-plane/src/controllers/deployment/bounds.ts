import type { Deployment } from '@gantry/api';

/** How far a rolling update may go above and below the wished number of pods. */
export interface RolloutBounds {
  readonly desired: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

const defaultShare = '25%';

function resolve(value: number | string, total: number, round: (n: number) => number): number {
  if (typeof value === 'number') return Math.max(0, value);
  return Math.max(0, round((parseInt(value, 10) * total) / 100));
}

/** Percentages of the wished number: surge rounded up, unavailable down; never both 0, or nothing could move. */
export function rolloutBounds({ spec }: Deployment): RolloutBounds {
  const desired = spec.replicas ?? 1;
  if (spec.strategy?.type === 'Recreate') {
    return { desired, maxSurge: 0, maxUnavailable: desired };
  }
  const { maxSurge = defaultShare, maxUnavailable = defaultShare } =
    spec.strategy?.rollingUpdate ?? {};
  const surge = resolve(maxSurge, desired, Math.ceil);
  const unavailable = Math.min(desired, resolve(maxUnavailable, desired, Math.floor));
  if (surge === 0 && unavailable === 0) return { desired, maxSurge: 0, maxUnavailable: 1 };
  return { desired, maxSurge: surge, maxUnavailable: unavailable };
}
