import type { Container, Pod } from '@gantry/api';
import { ContainerConfigError } from './config-error.js';

/** Refuses what this agent would otherwise silently leave out; the message names the field. */
export function refuseNotServed(pod: Pod, container: Container): void {
  const { shareProcessNamespace, hostUsers, hostNetwork } = pod.spec;
  const hostPort = container.ports?.find((port) => port.hostPort)?.hostPort;
  const faults: [unknown, string][] = [
    [shareProcessNamespace, 'spec.shareProcessNamespace is not served; use one container'],
    [hostUsers === false, 'spec.hostUsers: false is not served; leave it out'],
    [
      hostPort && !hostNetwork,
      `ports: hostPort ${hostPort} is not served; use hostNetwork, or reach the pod by its address`,
    ],
  ];
  const fault = faults.find(([applies]) => applies);
  if (fault) throw new ContainerConfigError(fault[1]);
}
