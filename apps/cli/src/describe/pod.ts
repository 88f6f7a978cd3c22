import type { Container, ContainerState, ContainerStatus, Pod } from '@gantry/api';
import { conditionLines } from './conditions.js';
import { metadataLines } from './metadata.js';
import { containerLines, tolerationText, volumeLines } from './pod-parts.js';
import { field, indent, pairs, section } from './section.js';

function stateLines(name: string, state: ContainerState | undefined): string[] {
  const { waiting, running, terminated } = state ?? {};
  const detail = (label: string, value: string | undefined) =>
    value ? indent(field(label, value.trimEnd().split('\n'))) : [];
  if (running) return [...field(name, 'Running'), ...detail('Started', running.startedAt)];
  if (terminated) {
    return [
      ...field(name, 'Terminated'),
      ...detail('Reason', terminated.reason),
      ...detail('Message', terminated.message),
      ...detail('Exit Code', String(terminated.exitCode)),
      ...detail('Signal', terminated.signal ? String(terminated.signal) : undefined),
      ...detail('Started', terminated.startedAt),
      ...detail('Finished', terminated.finishedAt),
    ];
  }
  return [
    ...field(name, 'Waiting'),
    ...detail('Reason', waiting?.reason),
    ...detail('Message', waiting?.message),
  ];
}

function observed(status: ContainerStatus | undefined): string[] {
  if (!status) return [];
  return [
    ...field('Container ID', status.containerID ?? ''),
    ...field('Image ID', status.imageID),
    ...stateLines('State', status.state),
    ...(status.lastState && Object.keys(status.lastState).length > 0
      ? stateLines('Last State', status.lastState)
      : []),
    ...field('Ready', status.ready ? 'True' : 'False'),
    ...field('Restart Count', String(status.restartCount)),
  ];
}

function containersLines(
  containers: readonly Container[] | undefined,
  statuses: readonly ContainerStatus[] | undefined,
): string[] {
  return (containers ?? []).flatMap((container) => {
    const status = statuses?.find(({ name }) => name === container.name);
    return [`${container.name}:`, ...indent([...containerLines(container), ...observed(status)])];
  });
}

export function describePod(pod: Pod): string[] {
  const { spec, status = {} } = pod;
  const node = spec.nodeName && status.hostIP ? `${spec.nodeName}/${status.hostIP}` : spec.nodeName;
  return [
    ...metadataLines(pod),
    ...field('Priority', String(spec.priority ?? 0)),
    ...field('Node', node),
    ...(status.startTime ? field('Start Time', status.startTime) : []),
    ...field('Status', status.phase),
    ...(status.reason ? field('Reason', status.reason) : []),
    ...(status.message ? field('Message', status.message) : []),
    ...field('IP', status.podIP),
    ...section(
      'Init Containers',
      containersLines(spec.initContainers, status.initContainerStatuses),
    ),
    ...section('Containers', containersLines(spec.containers, status.containerStatuses)),
    ...conditionLines(status.conditions),
    ...section('Volumes', volumeLines(spec.volumes)),
    ...field('QoS Class', status.qosClass),
    ...field('Node-Selectors', pairs(spec.nodeSelector)),
    ...field('Tolerations', (spec.tolerations ?? []).map(tolerationText)),
  ];
}
