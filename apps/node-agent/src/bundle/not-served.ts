import type { Pod } from '@gantry/api';
import { ContainerConfigError } from './config-error.js';

/** Refuses what this agent would otherwise silently leave out; the message names the field. */
export function refuseNotServed(pod: Pod): void {
  const { shareProcessNamespace, hostUsers } = pod.spec;
  const faults: [unknown, string][] = [
    [shareProcessNamespace, 'spec.shareProcessNamespace is not served; use one container'],
    [hostUsers === false, 'spec.hostUsers: false is not served; leave it out'],
  ];
  const fault = faults.find(([applies]) => applies);
  if (fault) throw new ContainerConfigError(fault[1]);
}
