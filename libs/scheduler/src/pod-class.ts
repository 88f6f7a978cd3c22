import { hostPorts, type HostPort } from './host-ports.js';
import { imagesOf } from './images.js';
import type { Labels, PodInput, PodSpecInput, TolerationInput } from './input.js';
import {
  compileLabels,
  compileTerm,
  termMatches,
  type LabelledNode,
  type NodeTerm,
} from './node-selector.js';
import { podRequests, type Amounts } from './requests.js';
import type { Ask } from './resource-table.js';
import type { Membership } from './topology/counter-registry.js';
import type { TopologyTerms } from './topology/topology-terms.js';

export interface WeightedTerm {
  readonly weight: number;
  readonly term: NodeTerm;
}

/** From where a claim can be met: one term must match. */
export interface VolumeTerms {
  readonly terms: readonly NodeTerm[];
  readonly reason: string;
}

/** All that pods of one equivalence class have in common for a decision. Never mutated once made. */
export interface PodClass {
  readonly id: number;
  readonly ask: Ask;
  readonly priority: number;
  readonly nodeName: string | undefined;
  /** `nodeSelector`; empty asks for nothing. */
  readonly selector: NodeTerm;
  /** Required node affinity: one term must match. Undefined asks for nothing, an empty list fits nowhere. */
  readonly affinity: readonly NodeTerm[] | undefined;
  readonly preferred: readonly WeightedTerm[];
  readonly tolerations: readonly TolerationInput[];
  /** One for each claim that not all nodes can meet. */
  readonly volumes: readonly VolumeTerms[];
  readonly ports: readonly HostPort[];
  /** Full names of the images, one for each container. */
  readonly images: readonly string[];
  /** Pod affinity, anti-affinity and topology spread; undefined for the many pods that have none. */
  readonly topology: TopologyTerms | undefined;
}

/** Namespace and labels of a pod: what other pods' selectors see of it. */
export interface LabelSet {
  readonly id: number;
  readonly namespace: string;
  readonly labels: Labels;
  /** Replaced when terms come to be known that are about it. */
  membership: Membership;
  /** How many pods with it are on nodes. */
  placed: number;
  /** The handle made last: most pods with the same labels are of one class and can share it. */
  recent: PodHandle | undefined;
}

/** A pod as decisions see it. */
export interface PodHandle {
  readonly podClass: PodClass;
  readonly labelSet: LabelSet;
}

/** Whether the node satisfies the class's nodeSelector and required node affinity. */
export function selectsNode(
  podClass: Pick<PodClass, 'selector' | 'affinity'>,
  node: LabelledNode,
): boolean {
  const { selector, affinity } = podClass;
  if (selector.length > 0 && !termMatches(selector, node)) return false;
  return affinity === undefined || affinity.some((term) => termMatches(term, node));
}

/** The class of a pod as text: equal for pods that every decision treats alike. */
export function classKey(pod: PodInput, requests: Amounts, withNodeName: boolean): string {
  const { spec } = pod;
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const spread = spec.topologySpreadConstraints;
  const seesPods = podAffinity || podAntiAffinity || spread?.length;
  const identity = seesPods ? [pod.metadata.namespace, pod.metadata.labels] : 0;
  const ports = hostPorts(spec);
  return JSON.stringify([
    [...requests],
    (withNodeName && spec.nodeName) || 0,
    spec.nodeSelector ?? 0,
    spec.affinity ?? 0,
    spec.tolerations ?? 0,
    ports.length > 0 ? ports : 0,
    seesPods ? [spread, identity] : 0,
    spec.priority ?? 0,
    spec.volumeAffinity ?? 0,
    ...imagesOf(spec),
  ]);
}

export type NodeSideOfClass = Omit<PodClass, 'id' | 'ask' | 'ports' | 'topology'>;

/** The part of a class that is about nodes alone. */
export function compileNodeSide(spec: PodSpecInput, withNodeName: boolean): NodeSideOfClass {
  const affinity = spec.affinity?.nodeAffinity;
  const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return {
    priority: spec.priority ?? 0,
    nodeName: withNodeName ? spec.nodeName || undefined : undefined,
    selector: compileLabels(spec.nodeSelector ?? {}),
    affinity: required?.nodeSelectorTerms.map(compileTerm),
    preferred: (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((p) => ({
      weight: p.weight,
      term: compileTerm(p.preference),
    })),
    tolerations: spec.tolerations ?? [],
    volumes: (spec.volumeAffinity ?? []).map(({ terms, reason }) => ({
      terms: terms.map(compileTerm),
      reason,
    })),
    images: imagesOf(spec),
  };
}

export { podRequests };
