import type { ImageRecord } from './image-index.js';

/** Which unused images go. With neither an age nor thresholds, all of them do. */
export interface GarbagePolicy {
  /** Images that were last used longer ago than this go, in milliseconds. */
  readonly unusedForMs?: number;
  /** From this usage of the file system on (percent), images go until usage is at `lowPercent`. */
  readonly highPercent?: number;
  readonly lowPercent?: number;
  /** Younger images stay even then: they were just pulled for something (default 2 minutes). */
  readonly minimumAgeMs?: number;
}

const defaultMinimumAgeMs = 120_000;

export interface DiskUsage {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface Candidate {
  readonly image: ImageRecord;
  readonly bytes: number;
}

/** The unused images to remove, least recently used first; pinned ones never. */
export function selectDoomed(
  candidates: readonly Candidate[],
  policy: GarbagePolicy,
  disk: DiskUsage,
  nowMs: number,
): Candidate[] {
  const free = candidates.filter(({ image }) => !image.pinned);
  const byAge = free.toSorted((a, b) => a.image.lastUsedAtMs - b.image.lastUsedAtMs);
  const { unusedForMs, highPercent } = policy;
  if (unusedForMs === undefined && highPercent === undefined) return byAge;
  const isOld = ({ image }: Candidate) =>
    unusedForMs !== undefined && nowMs - image.lastUsedAtMs > unusedForMs;
  const old = byAge.filter(isOld);
  const rest = byAge.filter((candidate) => !isOld(candidate));
  const freed = old.reduce((sum, { bytes }) => sum + bytes, 0);
  return [...old, ...untilEnough(rest, policy, disk, freed, nowMs)];
}

function untilEnough(
  rest: readonly Candidate[],
  { highPercent, lowPercent = highPercent, minimumAgeMs = defaultMinimumAgeMs }: GarbagePolicy,
  { totalBytes, freeBytes }: DiskUsage,
  freedBytes: number,
  nowMs: number,
): Candidate[] {
  if (highPercent === undefined || lowPercent === undefined) return [];
  const used = totalBytes - freeBytes;
  if (used * 100 < highPercent * totalBytes) return [];
  let missing = used - freedBytes - (lowPercent * totalBytes) / 100;
  const chosen: Candidate[] = [];
  for (const candidate of rest) {
    if (missing <= 0) break;
    if (nowMs - candidate.image.pulledAtMs < minimumAgeMs) continue;
    chosen.push(candidate);
    missing -= candidate.bytes;
  }
  return chosen;
}
