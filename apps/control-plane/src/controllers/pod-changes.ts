import { hasEnded, type Pod } from '@gantry/api';
import { jsonEqual } from '@gantry/api-machinery';

/** What those who count pods look at. */
const shown = ({ metadata, status }: Pod) => [
  metadata.labels,
  metadata.ownerReferences,
  metadata.deletionTimestamp,
  status?.phase,
  status?.containerStatuses,
];

/**
 * Whether these are one pod before and after it was given its node, in either order, and no more than that: it is
 * what most changes of pods are, and those who count pods have nothing to do then.
 */
export function isOnlyBinding(pod: Pod, other: Pod): boolean {
  const isBinding = (pod.spec.nodeName === undefined) !== (other.spec.nodeName === undefined);
  if (!isBinding || hasEnded(pod) || hasReadiness(pod) || hasReadiness(other)) return false;
  return jsonEqual(shown(pod), shown(other));
}

const hasReadiness = ({ status }: Pod) =>
  status?.conditions?.some(({ type }) => type === 'Ready') ?? false;
