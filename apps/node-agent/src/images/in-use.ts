import { formatReference, parseReference } from '@gantry/image';
import { isFinished } from '../pods/plan.js';
import type { PodState } from '../pods/pod-state.js';

function normalized(name: string): string {
  try {
    return formatReference(parseReference(name));
  } catch {
    // Not a name that any image could have; its pod says so in its status.
    return name;
  }
}

/**
 * Names and digests of the images that pods on this host need, each with one pod that does: all that are named
 * by pods that have yet to start or restart something, and those that containers run from, whatever their name
 * means now.
 */
export function imageUsers(
  pods: readonly Pick<PodState, 'pod' | 'record' | 'containers'>[],
): Map<string, string> {
  const users = new Map<string, string>();
  for (const { pod, record, containers } of pods) {
    const isOver = isFinished(pod, record);
    const user = `pod ${pod.metadata.namespace}/${pod.metadata.name}`;
    for (const { container } of containers) {
      const attempt = record.containers[container.name]?.current;
      if (attempt && !attempt.exit) users.set(attempt.imageId, user);
      if (!isOver && container.image) users.set(normalized(container.image), user);
    }
  }
  return users;
}

/** As {@link imageUsers}, without the pods. */
export function imagesInUse(
  pods: readonly Pick<PodState, 'pod' | 'record' | 'containers'>[],
): Set<string> {
  return new Set(imageUsers(pods).keys());
}
