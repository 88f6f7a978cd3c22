import type { ContainerInput, PodInput } from './input.js';

/**
 * What of a pod decisions read, with the annotations that are Gantry's own, and nothing else: neither its identity and
 * its node, nor its containers' commands and variables. Pods with equal parts are decided on alike.
 */
export function decisiveParts({ metadata, spec }: PodInput): Pick<PodInput, 'metadata' | 'spec'> {
  const { namespace, labels, annotations = {} } = metadata;
  const own = Object.entries(annotations).filter(([key]) => key.startsWith('gantry.dev/'));
  const { containers, initContainers, overhead, nodeSelector, affinity, tolerations } = spec;
  const { topologySpreadConstraints, volumeAffinity, priority, preemptionPolicy } = spec;
  return {
    metadata: given({
      namespace,
      labels,
      annotations: own.length > 0 ? Object.fromEntries(own) : undefined,
    }),
    spec: {
      containers: containers.map(decisiveContainer),
      ...given({ initContainers: initContainers?.map(decisiveContainer) }),
      ...given({ overhead, nodeSelector, affinity, tolerations, topologySpreadConstraints }),
      ...given({ volumeAffinity, priority, preemptionPolicy }),
    },
  };
}

function decisiveContainer({ image, resources, ports, restartPolicy }: ContainerInput) {
  return given({ image, resources, ports, restartPolicy });
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are not there. */
function given<T extends object>(fields: T): Given<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Given<T>;
}
