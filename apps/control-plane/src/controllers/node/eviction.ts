import type { Pod, Taint } from '@gantry/api';
import { tolerates } from '@gantry/scheduler';

export const unreachableTaint = 'node.kubernetes.io/unreachable';
export const notReadyTaint = 'node.kubernetes.io/not-ready';

/**
 * When the pod must leave a node with this NoExecute taint, in epoch milliseconds: at once unless it tolerates
 * the taint; then never, or after the shortest tolerationSeconds. A pod that says nothing about a node that is
 * out of reach gets `graceMs` for it to come back.
 */
export function evictionMs(
  pod: Pod,
  taint: Taint,
  addedMs: number,
  graceMs: number,
): number | undefined {
  const tolerations = (pod.spec.tolerations ?? []).filter((t) => tolerates(t, taint));
  if (tolerations.length === 0) return addedMs + (taint.key === unreachableTaint ? graceMs : 0);
  const bounded = tolerations.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  return bounded.length === 0 ? undefined : addedMs + Math.max(0, Math.min(...bounded)) * 1_000;
}

/** The earliest eviction over all NoExecute taints; undefined when the pod may stay. */
export function earliestEviction(
  pod: Pod,
  taints: readonly { taint: Taint; addedMs: number }[],
  graceMs: number,
): number | undefined {
  const times = taints.flatMap(
    ({ taint, addedMs }) => evictionMs(pod, taint, addedMs, graceMs) ?? [],
  );
  return times.length === 0 ? undefined : Math.min(...times);
}
