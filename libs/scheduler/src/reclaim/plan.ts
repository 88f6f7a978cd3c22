import type { CpuAndMemory } from './offer.js';

/** A reclaimable pod on a node. */
export interface ReclaimablePod extends CpuAndMemory {
  readonly uid: string;
  readonly priority: number;
  readonly startMs: number;
  /** It is being deleted: what it holds comes back by itself. */
  readonly isEnding: boolean;
}

/**
 * Pods that have to go so that the rest fits into the offer: the least important first, of equals who started
 * last; a pod whose going would give back nothing that is missing stays.
 */
export function podsToReclaim(
  offer: CpuAndMemory,
  pods: readonly ReclaimablePod[],
): ReclaimablePod[] {
  const staying = pods.filter(({ isEnding }) => !isEnding);
  const over = {
    cpuMillis: staying.reduce((sum, p) => sum + p.cpuMillis, -offer.cpuMillis),
    memoryBytes: staying.reduce((sum, p) => sum + p.memoryBytes, -offer.memoryBytes),
  };
  const order = staying.toSorted((a, b) => a.priority - b.priority || b.startMs - a.startMs);
  const going: ReclaimablePod[] = [];
  for (const pod of order) {
    const helps =
      (over.cpuMillis > 0 && pod.cpuMillis > 0) || (over.memoryBytes > 0 && pod.memoryBytes > 0);
    if (!helps) continue;
    going.push(pod);
    over.cpuMillis -= pod.cpuMillis;
    over.memoryBytes -= pod.memoryBytes;
  }
  // Who was taken early may turn out not to be needed.
  return going.filter((pod) => {
    const isNeeded = over.cpuMillis + pod.cpuMillis > 0 || over.memoryBytes + pod.memoryBytes > 0;
    if (isNeeded) return true;
    over.cpuMillis += pod.cpuMillis;
    over.memoryBytes += pod.memoryBytes;
    return false;
  });
}
