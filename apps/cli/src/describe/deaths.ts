import type { ContainerStatus, Pod } from '@gantry/api';

function sentence({ name, state, lastState, restartCount }: ContainerStatus): string | undefined {
  const end = state?.terminated ?? lastState?.terminated;
  if (!end || (end.exitCode === 0 && !end.message)) return undefined;
  const reason = end.reason ? `, ${end.reason}` : '';
  const times = restartCount === 1 ? 'once' : `${restartCount} times`;
  const restarts = restartCount > 0 ? `; restarted ${times}` : '';
  const words = end.message?.trim().split('\n').at(-1);
  const when = end.finishedAt ? ` at ${end.finishedAt}` : '';
  const how = `exit code ${end.exitCode}${reason}${restarts}`;
  return `container ${name} ended${when} (${how})${words ? `: ${words}` : ''}`;
}

/** How the pod's containers ended that did not simply succeed: a sentence for each. */
export function deathLines(pod: Pod): string[] {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const sentences = [...initContainerStatuses, ...containerStatuses].map(sentence);
  return sentences.filter((text) => text !== undefined);
}
