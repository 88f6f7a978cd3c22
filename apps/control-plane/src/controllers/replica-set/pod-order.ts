import { hasEnded, type Pod } from '@gantry/api';

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';
const phaseRank: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

/** Neither ended nor on its way out: what counts towards the wished number. */
export function isActive(pod: Pod): boolean {
  return !hasEnded(pod) && !pod.metadata.deletionTimestamp;
}

export function readySince(pod: Pod): number | undefined {
  const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
  if (ready?.status !== 'True') return undefined;
  return Date.parse(ready.lastTransitionTime ?? '') || 0;
}

/** When the pod will have been ready for so long; undefined while it is not ready. */
export function availableFromMs(pod: Pod, minReadySeconds = 0): number | undefined {
  const since = readySince(pod);
  return since === undefined ? undefined : since + minReadySeconds * 1000;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((c) => c.restartCount));
}

function cost(pod: Pod): number {
  return Number(pod.metadata.annotations?.[deletionCostAnnotation] ?? 0) || 0;
}

/**
 * Which pods go first when there are too many, as Kubernetes has it: unassigned, not started, not ready,
 * cheap by annotation, crowded on their node, ready for a shorter time, restarted more often, younger.
 */
export function deletionOrder(pods: readonly Pod[], siblings: readonly Pod[]): Pod[] {
  const crowd = new Map<string, number>();
  for (const { spec } of siblings) {
    if (spec.nodeName) crowd.set(spec.nodeName, (crowd.get(spec.nodeName) ?? 0) + 1);
  }
  const ranks = pods.map((pod) => ({
    pod,
    rank: [
      pod.spec.nodeName ? 1 : 0,
      phaseRank[pod.status?.phase ?? 'Pending'] ?? 0,
      readySince(pod) === undefined ? 0 : 1,
      cost(pod),
      -(crowd.get(pod.spec.nodeName ?? '') ?? 0),
      -(readySince(pod) ?? 0),
      -restarts(pod),
      -(Date.parse(pod.metadata.creationTimestamp ?? '') || 0),
    ],
  }));
  ranks.sort((a, b) => {
    const at = a.rank.findIndex((value, i) => value !== b.rank[i]);
    return at < 0
      ? a.pod.metadata.name! < b.pod.metadata.name!
        ? -1
        : 1
      : a.rank[at]! - b.rank[at]!;
  });
  return ranks.map(({ pod }) => pod);
}
