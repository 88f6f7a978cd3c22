import type { PodSpecInput } from './input.js';

/** A port of the node itself that a pod occupies. */
export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const anyAddress = '0.0.0.0';

/** The host ports of all containers and sidecars of a pod. */
export function hostPorts(spec: PodSpecInput): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  return [...spec.containers, ...sidecars].flatMap((container) =>
    (container.ports ?? []).flatMap(({ hostPort, hostIP, protocol }) =>
      hostPort ? [{ ip: hostIP || anyAddress, protocol: protocol || 'TCP', port: hostPort }] : [],
    ),
  );
}

/** Two pods cannot share a port of one protocol unless each names a different address. */
export function portsConflict(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress;
}

export function portText(port: HostPort): string {
  const address = port.ip === anyAddress ? '' : `${port.ip}:`;
  return `${address}${port.port}/${port.protocol}`;
}
