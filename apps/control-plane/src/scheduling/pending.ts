import { hasEnded, type Pod } from '@gantry/api';

/** Pods that name this scheduler, or none, are ours. */
export const schedulerName = 'default-scheduler';

/** Waits for a node from us: not bound, not ended, not going, not gated. */
export function isPending(pod: Pod): boolean {
  const { metadata, spec } = pod;
  return (
    !spec.nodeName &&
    !metadata.deletionTimestamp &&
    !hasEnded(pod) &&
    (spec.schedulerName ?? schedulerName) === schedulerName &&
    !spec.schedulingGates?.length
  );
}

/** Whether nothing changed that a decision about this pod reads. */
export function sameWishes(a: Pod, b: Pod): boolean {
  return (
    isPending(a) === isPending(b) &&
    JSON.stringify([a.spec, a.metadata.labels]) === JSON.stringify([b.spec, b.metadata.labels])
  );
}
