import { age, type Column } from '@gantry/api-machinery';
import { ageColumn, column, nameColumn, wideColumn } from './columns.js';
import type { Pod } from './pod.js';
import type { ContainerStateTerminated, ContainerStatus } from './pod-status.js';

function conditionIsTrue(pod: Pod, type: string): boolean {
  return (
    pod.status?.conditions?.some((item) => item.type === type && item.status === 'True') ?? false
  );
}

function sidecars(pod: Pod): ReadonlySet<string> {
  const init = pod.spec.initContainers ?? [];
  return new Set(init.filter((c) => c.restartPolicy === 'Always').map((c) => c.name));
}

function terminationReason(terminated: ContainerStateTerminated): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

/** What the first init container that is not done shows; undefined when all are done. */
function initReason(pod: Pod): string | undefined {
  const beside = sidecars(pod);
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (beside.has(status.name) && status.started) continue;
    if (terminated) return `Init:${terminationReason(terminated)}`;
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
    return `Init:${index}/${pod.spec.initContainers?.length ?? 0}`;
  }
  return undefined;
}

/** The reason that the containers show; the first container's wins. */
function containersReason(pod: Pod, reason: string): string {
  let shown = reason;
  let running = false;
  for (const { state = {}, ready } of (pod.status?.containerStatuses ?? []).toReversed()) {
    if (state.waiting?.reason) shown = state.waiting.reason;
    else if (state.terminated) shown = terminationReason(state.terminated);
    else if (ready && state.running) running = true;
  }
  if (shown === 'Completed' && running) {
    return conditionIsTrue(pod, 'Ready') ? 'Running' : 'NotReady';
  }
  return shown;
}

/** The word in the Status column: what a person should know first about the pod. */
export function podStatusText(pod: Pod): string {
  const { status = {}, metadata } = pod;
  let reason = status.reason || status.phase || 'Pending';
  const gated = status.conditions?.some((item) => item.reason === 'SchedulingGated');
  if (gated) reason = 'SchedulingGated';
  const init = initReason(pod);
  if (init) reason = init;
  if (!init || conditionIsTrue(pod, 'Initialized')) reason = containersReason(pod, reason);
  if (!metadata.deletionTimestamp) return reason;
  if (status.reason === 'NodeLost') return 'Unknown';
  return status.phase === 'Succeeded' || status.phase === 'Failed' ? reason : 'Terminating';
}

function readyText(pod: Pod): string {
  const beside = sidecars(pod);
  const init = (pod.status?.initContainerStatuses ?? []).filter(({ name }) => beside.has(name));
  const statuses = [...init, ...(pod.status?.containerStatuses ?? [])];
  const ready = statuses.filter((status) => status.ready && status.state?.running).length;
  return `${ready}/${pod.spec.containers.length + beside.size}`;
}

function restartsText(pod: Pod, nowMs: number): string {
  const beside = sidecars(pod);
  const init = pod.status?.initContainerStatuses ?? [];
  const shown = initReason(pod) ? init : init.filter(({ name }) => beside.has(name));
  const statuses: ContainerStatus[] = [...shown, ...(pod.status?.containerStatuses ?? [])];
  const restarts = statuses.reduce((sum, status) => sum + (status.restartCount ?? 0), 0);
  const ends = statuses.map((status) => status.lastState?.terminated?.finishedAt ?? '');
  const last = ends.toSorted().at(-1);
  return restarts > 0 && last ? `${restarts} (${age(last, nowMs)} ago)` : String(restarts);
}

function readinessGatesText(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const open = gates.filter(({ conditionType }) => conditionIsTrue(pod, conditionType)).length;
  return `${open}/${gates.length}`;
}

export const podColumns: Column<Pod>[] = [
  nameColumn,
  column('Ready', 'Containers that are ready, of all.', readyText),
  column('Status', 'The phase, or what is in the way.', podStatusText),
  column('Restarts', 'How often containers were restarted, and when last.', restartsText),
  ageColumn,
  wideColumn('IP', 'Address of the pod.', (pod) => pod.status?.podIP || '<none>'),
  wideColumn('Node', 'Node the pod is bound to.', (pod) => pod.spec.nodeName || '<none>'),
  wideColumn(
    'Nominated Node',
    'Node that the preempting pod waits for.',
    (pod) => pod.status?.nominatedNodeName || '<none>',
  ),
  wideColumn('Readiness Gates', 'Conditions that readiness waits for.', readinessGatesText),
];
