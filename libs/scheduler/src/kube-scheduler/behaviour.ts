import type { NodeFixture, PodFixture } from '../fixtures.js';
import type { ProfileName } from '../profile.js';

/** One documented behaviour of kube-scheduler as a question to ours and the answer that it must give. */
export interface Behaviour {
  readonly title: string;
  /** Plugin or page, and the sentence or section there. */
  readonly source: string;
  readonly nodes: readonly NodeFixture[];
  readonly placed?: readonly PodFixture[];
  /** Labels of namespaces. */
  readonly namespaces?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly pod: Partial<PodFixture>;
  readonly profile?: ProfileName;
  /** Weights of scores other than those of the profile. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Names of all nodes that the pod fits, with spaces between. */
  readonly fits?: string;
  /** The node that is chosen; `-` for none. */
  readonly best?: string;
  /** `NODE: POD POD` of the preemption; `-` for none. */
  readonly victims?: string;
  /** Set where ours answers otherwise than kube-scheduler on purpose: how that one answers, and why ours does not. */
  readonly differs?: string;
}

export const node = (name: string, more: Partial<NodeFixture> = {}): NodeFixture => ({
  name,
  ...more,
});

/** A node with these labels. */
export const labelled = (name: string, labels: Record<string, string>): NodeFixture => ({
  name,
  labels,
});

/** A placed pod. */
export const on = (nodeName: string, name: string, more: Partial<PodFixture> = {}): PodFixture => ({
  name,
  nodeName,
  ...more,
});
