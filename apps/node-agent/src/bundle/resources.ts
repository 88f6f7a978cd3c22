import type { Container } from '@gantry/api';
import type { Resources } from '@gantry/runtime-client';
import { parseBytes, parseCpuMillis } from '../quantity.js';

/** The period over which a CPU limit is measured out, in microseconds. */
export const cpuPeriodMicros = 100_000;

// The kernel's bounds: shares below 2 and quotas below 1 ms are refused.
const minShares = 2;
const maxShares = 262_144;
const minQuotaMicros = 1000;

function cpuShares(container: Container): number {
  const { requests, limits } = container.resources ?? {};
  const text = requests?.cpu ?? limits?.cpu;
  if (text === undefined) return minShares;
  const shares = Math.floor((parseCpuMillis(text) * 1024) / 1000);
  return Math.min(maxShares, Math.max(minShares, shares));
}

function cpuQuota(container: Container): { quota: number; period: number } | undefined {
  const limit = container.resources?.limits?.cpu;
  const millis = limit === undefined ? 0 : parseCpuMillis(limit);
  if (millis === 0) return undefined;
  const quota = Math.max(minQuotaMicros, Math.ceil((millis * cpuPeriodMicros) / 1000));
  return { quota, period: cpuPeriodMicros };
}

/**
 * Requests become CPU weight and protected memory, limits become quota and hard limit. Swap is not
 * given, or a container would outlive its memory limit by swapping. A reclaimable pod has the least weight.
 */
export function cgroupResources(
  container: Container,
  pidsLimit: number,
  isReclaimable = false,
): Resources {
  const { requests, limits } = container.resources ?? {};
  const memoryLimit = limits?.memory === undefined ? 0 : parseBytes(limits.memory);
  const requested = requests?.memory ?? limits?.memory;
  // What a reclaimable pod runs in belongs to others: nothing of it is protected.
  const reservation = requested === undefined || isReclaimable ? 0 : parseBytes(requested);
  const memory = {
    ...(memoryLimit > 0 ? { limit: memoryLimit, swap: memoryLimit } : {}),
    ...(reservation > 0 ? { reservation } : {}),
  };
  return {
    cpu: { shares: isReclaimable ? minShares : cpuShares(container), ...cpuQuota(container) },
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    pids: { limit: pidsLimit },
  };
}

/**
 * The kernel's preference for whom to kill when the node runs out of memory, by quality of service:
 * Guaranteed −997, BestEffort 1000, Burstable in between by its share of the node.
 */
export function oomScoreAdj(
  container: Container,
  qosClass: string | undefined,
  nodeMemoryBytes: number,
): number {
  if (qosClass === 'Guaranteed') return -997;
  if (qosClass === 'BestEffort') return 1000;
  const request = container.resources?.requests?.memory;
  const bytes = request === undefined ? 0 : parseBytes(request);
  const score = 1000 - Math.floor((1000 * bytes) / nodeMemoryBytes);
  return Math.min(999, Math.max(3, score));
}
