import type { NodeInput, PodInput, PodSpecInput, ResourceList } from './input.js';
import type { Filter } from './filters/filter.js';
import { Snapshot } from './snapshot.js';

/** Builders for specs and benchmarks: whole objects from the few fields that matter there. */
export interface NodeFixture {
  readonly name: string;
  readonly offers?: ResourceList;
  readonly labels?: Record<string, string>;
  readonly taints?: { key: string; value?: string; effect: string }[];
  readonly cordoned?: boolean;
  /** Sizes in MiB by name. */
  readonly images?: Readonly<Record<string, number>>;
}

export function node(fixture: NodeFixture): NodeInput {
  const { name, offers = {}, labels, taints, cordoned, images = {} } = fixture;
  return {
    metadata: { name, labels },
    spec: { taints, unschedulable: cordoned },
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...offers },
      images: Object.entries(images).map(([image, mebibytes]) => ({
        names: [image],
        sizeBytes: mebibytes * 2 ** 20,
      })),
    },
  };
}

export interface PodFixture extends Partial<PodSpecInput> {
  readonly name: string;
  readonly phase?: string;
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly requests?: ResourceList;
  /** One for each container. */
  readonly images?: readonly string[];
  readonly hostPorts?: readonly (
    | number
    | { hostPort: number; hostIP?: string; protocol?: string }
  )[];
}

export function pod(fixture: PodFixture): PodInput {
  const { name, namespace = 'default', labels, requests, hostPorts = [], ...more } = fixture;
  const { phase, images = [], ...spec } = more;
  const ports = hostPorts.map((port) => (typeof port === 'number' ? { hostPort: port } : port));
  return {
    metadata: { name, namespace, uid: `uid-${namespace}-${name}`, labels },
    spec: {
      containers: [
        { resources: { requests }, ports, ...(images[0] ? { image: images[0] } : {}) },
        ...images.slice(1).map((image) => ({ image })),
      ],
      ...spec,
    },
    ...(phase ? { status: { phase } } : {}),
  };
}

export function snapshotOf(
  nodes: readonly NodeFixture[],
  placed: readonly PodFixture[] = [],
): Snapshot {
  const snapshot = new Snapshot();
  for (const fixture of nodes) snapshot.setNode(node(fixture));
  for (const fixture of placed) snapshot.setPod(pod(fixture));
  return snapshot;
}

/** What one filter says of one pod on every node: `ok` or the messages of its refusals. */
export function verdicts(
  filter: Filter,
  snapshot: Snapshot,
  asked: PodInput,
): Record<string, string> {
  const check = filter.prepare(snapshot, snapshot.handle(asked));
  const result: Record<string, string> = {};
  for (const slot of snapshot.nodes) {
    const refusals = check?.refusals(slot) ?? [];
    const fits = check?.fits(slot) ?? true;
    if (fits !== (refusals.length === 0)) throw new Error(`${filter.name} contradicts itself`);
    result[snapshot.nodes.name(slot)] = fits ? 'ok' : refusals.map((r) => r.message).join('; ');
  }
  return result;
}
