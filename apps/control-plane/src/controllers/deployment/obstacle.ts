import type { Pod } from '@gantry/api';

/** States in which a container waits in the normal course of things. */
const harmless = new Set(['ContainerCreating', 'PodInitializing']);

function obstacleOfPod(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') return `cannot be scheduled: ${scheduled.message ?? ''}`;
  const statuses = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ];
  for (const { name, state } of statuses) {
    const { reason, message } = state?.waiting ?? {};
    if (reason && !harmless.has(reason)) {
      return `container ${name} waits: ${reason}${message ? ` (${message})` : ''}`;
    }
  }
  const unready = statuses.find(({ ready, state }) => !ready && state?.running);
  return unready && `container ${unready.name} runs but is not ready`;
}

/** Why the first pod that is not ready does not come up, in one clause; undefined when none says. */
export function obstacleOf(pods: readonly Pod[]): string | undefined {
  for (const pod of pods) {
    const obstacle = obstacleOfPod(pod);
    if (obstacle) return `pod ${pod.metadata.name} ${obstacle}`;
  }
  return undefined;
}
