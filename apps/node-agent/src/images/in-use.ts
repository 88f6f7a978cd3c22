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
 * Names and digests of the images that pods on this host need: all that are named by pods that have
 * yet to start or restart something, and those that containers run from, whatever their name means now.
 */
export function imagesInUse(
  pods: readonly Pick<PodState, 'pod' | 'record' | 'containers'>[],
): Set<string> {
  const inUse = new Set<string>();
  for (const { pod, record, containers } of pods) {
    const isOver = isFinished(pod, record);
    for (const { container } of containers) {
      const attempt = record.containers[container.name]?.current;
      if (attempt && !attempt.exit) inUse.add(attempt.imageId);
      if (!isOver && container.image) inUse.add(normalized(container.image));
    }
  }
  return inUse;
}
