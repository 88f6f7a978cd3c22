import { labelSelectorText } from '../label-selector.js';
import type { PodAffinityTermInput, PodSpecInput } from '../input.js';

/** A wish of the pod that could be given up; `path` names it in the spec. */
export interface Term {
  readonly path: string;
  readonly text: string;
}

const required = 'requiredDuringSchedulingIgnoredDuringExecution';

/** All that the pod asks of nodes and of other pods, one by one. */
export function relaxableTerms(spec: PodSpecInput): Term[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const selector = Object.entries(spec.nodeSelector ?? {}).map(([key, value]) => ({
    path: `spec.nodeSelector[${key}]`,
    text: `drop node selector ${key}=${value}`,
  }));
  const affinity = nodeAffinity?.[required]
    ? [{ path: `spec.affinity.nodeAffinity.${required}`, text: 'drop the required node affinity' }]
    : [];
  const spread = (spec.topologySpreadConstraints ?? []).flatMap((constraint, i) =>
    constraint.whenUnsatisfiable === 'DoNotSchedule'
      ? {
          path: `spec.topologySpreadConstraints[${i}]`,
          text: `relax the spread over ${constraint.topologyKey} to ScheduleAnyway`,
        }
      : [],
  );
  return [
    ...selector,
    ...affinity,
    ...podTerms('podAffinity', 'pod affinity', podAffinity?.[required]),
    ...podTerms('podAntiAffinity', 'pod anti-affinity', podAntiAffinity?.[required]),
    ...spread,
    ...hostPortTerms(spec),
  ];
}

function podTerms(field: string, words: string, terms: readonly PodAffinityTermInput[] = []) {
  return terms.map(({ labelSelector, topologyKey }, i) => ({
    path: `spec.affinity.${field}.${required}[${i}]`,
    text: `drop the ${words} to ${labelSelectorText(labelSelector)} by ${topologyKey}`,
  }));
}

function hostPortTerms(spec: PodSpecInput): Term[] {
  return spec.containers.flatMap(({ ports = [] }, c) =>
    ports.flatMap(({ hostPort }, i) =>
      hostPort
        ? {
            path: `spec.containers[${c}].ports[${i}].hostPort`,
            text: `give up host port ${hostPort}`,
          }
        : [],
    ),
  );
}

/** The spec without these terms; spread constraints stay as wishes. */
export function relaxed(spec: PodSpecInput, terms: readonly Term[]): PodSpecInput {
  const gone = new Set(terms.map(({ path }) => path));
  const { nodeAffinity, podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const kept = <T>(field: string, own: readonly T[] | undefined) =>
    own?.filter((_, i) => !gone.has(`spec.affinity.${field}.${required}[${i}]`));
  const isNodeFree = gone.has(`spec.affinity.nodeAffinity.${required}`);
  const withRequired = <T extends object>(part: T | undefined, value: unknown) =>
    part && { ...part, [required]: value };
  return {
    ...spec,
    nodeSelector: Object.fromEntries(
      Object.entries(spec.nodeSelector ?? {}).filter(
        ([key]) => !gone.has(`spec.nodeSelector[${key}]`),
      ),
    ),
    affinity: {
      nodeAffinity: isNodeFree ? withRequired(nodeAffinity, undefined) : nodeAffinity,
      podAffinity: withRequired(podAffinity, kept('podAffinity', podAffinity?.[required])),
      podAntiAffinity: withRequired(
        podAntiAffinity,
        kept('podAntiAffinity', podAntiAffinity?.[required]),
      ),
    },
    topologySpreadConstraints: spec.topologySpreadConstraints?.map((constraint, i) =>
      gone.has(`spec.topologySpreadConstraints[${i}]`)
        ? { ...constraint, whenUnsatisfiable: 'ScheduleAnyway' }
        : constraint,
    ),
    containers: spec.containers.map((container, c) => ({
      ...container,
      ports: container.ports?.filter(
        (_, i) => !gone.has(`spec.containers[${c}].ports[${i}].hostPort`),
      ),
    })),
  };
}
