import type { PodSpecInput } from './input.js';

/** A port of the node itself that a pod occupies. */
export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const anyAddress = '0.0.0.0';

/** One for all of the many pods without ports of the node, so that it is always at hand. */
const noPorts: readonly HostPort[] = [];

/** The host ports of all containers and sidecars of a pod. */
export function hostPorts(spec: PodSpecInput): readonly HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  const ports = [...spec.containers, ...sidecars].flatMap((container) =>
    (container.ports ?? []).flatMap(({ hostPort, hostIP, protocol }) =>
      hostPort ? [{ ip: hostIP || anyAddress, protocol: protocol || 'TCP', port: hostPort }] : [],
    ),
  );
  return ports.length > 0 ? ports : noPorts;
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
