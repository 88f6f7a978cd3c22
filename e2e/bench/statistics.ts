/** One figure of a bench: our samples, and per peer how ours relate to theirs. */
export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly n: number;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Ours over the peer's: for a time below 1 is better, for a rate above 1. */
  readonly ratio: Readonly<Record<string, number>>;
  /** The peers' medians in the same unit, for the table. */
  readonly peers: Readonly<Record<string, number>>;
}

/** The value below which a share `p` of the samples lies (nearest rank). */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1));
  return sorted[rank] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);

/**
 * The median of the pairwise ratios when both sides were measured in turns (equally many samples), else the
 * ratio of the medians.
 */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) return median(ours) / median(theirs);
  return median(ours.map((value, i) => value / (theirs[i] ?? Number.NaN)));
}

const rounded = (value: number): number => Number(value.toPrecision(4));

/** Sums up samples of ours and of the peers that were taken in the same run. */
export function summarize(
  name: string,
  unit: string,
  ours: readonly number[],
  peers: Readonly<Record<string, readonly number[]>> = {},
): Result {
  if (ours.length === 0) throw new Error(`${name} was not measured`);
  const measured = Object.entries(peers).filter(([, samples]) => samples.length > 0);
  return {
    name,
    unit,
    n: ours.length,
    min: rounded(Math.min(...ours)),
    median: rounded(median(ours)),
    p95: rounded(percentile(ours, 0.95)),
    p99: rounded(percentile(ours, 0.99)),
    max: rounded(Math.max(...ours)),
    ratio: Object.fromEntries(measured.map(([peer, s]) => [peer, rounded(ratioOf(ours, s))])),
    peers: Object.fromEntries(measured.map(([peer, s]) => [peer, rounded(median(s))])),
  };
}
