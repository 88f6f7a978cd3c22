import type { Pod } from '@gantry/api';
import { badRequest } from '@gantry/base';
import { askedBits } from '../bandwidth/network-bandwidth.js';
import { parseQuantity } from '../quantity.js';

/** What a pod asks of its network beyond an address. */
export interface AttachmentRequest {
  /** CNI_ARGS, by the names that plugins for Kubernetes read. */
  readonly args: Readonly<Record<string, string>>;
  /** By CNI's names of capabilities. */
  readonly runtimeConfig: Readonly<Record<string, unknown>>;
}

interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIP?: string;
}

/** Bits per second within which Kubernetes takes the annotations. */
const leastRate = 1000;
const mostRate = 1e15;

function portMappings(pod: Pod): PortMapping[] {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return containers
    .flatMap(({ ports }) => ports ?? [])
    .filter(({ hostPort }) => hostPort)
    .map(({ hostPort, containerPort, protocol = 'TCP', hostIP }) => ({
      hostPort: hostPort!,
      containerPort,
      protocol: protocol.toLowerCase(),
      ...(hostIP ? { hostIP } : {}),
    }));
}

function rate(pod: Pod, direction: 'ingress' | 'egress'): number | undefined {
  const name = `kubernetes.io/${direction}-bandwidth`;
  const text = pod.metadata.annotations?.[name];
  if (text === undefined) return askedBits(pod, direction);
  try {
    const bits = Math.round(parseQuantity(text));
    if (bits >= leastRate && bits <= mostRate) return bits;
  } catch {
    // Falls through to the one sentence for all that is wrong.
  }
  const rule = 'must be bits per second from 1k to 1P, for example 10M';
  throw badRequest(`metadata.annotations[${name}] ${JSON.stringify(text)}: ${rule}`);
}

function bandwidth(pod: Pod): Record<string, number> | undefined {
  const [ingressRate, egressRate] = [rate(pod, 'ingress'), rate(pod, 'egress')];
  if (ingressRate === undefined && egressRate === undefined) return undefined;
  // A tenth of a second at once; other plugins refuse a rate without a burst.
  const burst = (bits: number) => Math.max(Math.round(bits / 10), 1_048_576);
  return {
    ...(ingressRate === undefined ? {} : { ingressRate, ingressBurst: burst(ingressRate) }),
    ...(egressRate === undefined ? {} : { egressRate, egressBurst: burst(egressRate) }),
  };
}

/** Reads ports and annotations; BadRequest names the annotation that is wrong. */
export function attachmentRequest(pod: Pod): AttachmentRequest {
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const [ports, limits] = [portMappings(pod), bandwidth(pod)];
  return {
    args: {
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: namespace,
      K8S_POD_NAME: name,
      K8S_POD_INFRA_CONTAINER_ID: uid,
      K8S_POD_UID: uid,
    },
    runtimeConfig: {
      ...(ports.length > 0 ? { portMappings: ports } : {}),
      ...(limits ? { bandwidth: limits } : {}),
    },
  };
}
