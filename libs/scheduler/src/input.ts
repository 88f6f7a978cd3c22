/**
 * The part of a Pod and of a Node that decisions read, by structure: objects of `@gantry/api` are
 * assignable as they are, and so are rows of a trace. Nothing here is ever written to.
 */
export type Labels = Readonly<Record<string, string>>;

/** Quantities as the API has them, by resource name: `{cpu: '500m', memory: '1Gi'}`. */
export type ResourceList = Readonly<Record<string, string | number | undefined>>;

export interface SelectorRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface LabelSelectorInput {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly SelectorRequirement[];
}

export interface NodeSelectorTermInput {
  readonly matchExpressions?: readonly SelectorRequirement[];
  readonly matchFields?: readonly SelectorRequirement[];
}

export interface NodeAffinityInput {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: {
    readonly nodeSelectorTerms: readonly NodeSelectorTermInput[];
  };
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly {
    readonly weight: number;
    readonly preference: NodeSelectorTermInput;
  }[];
}

export interface PodAffinityTermInput {
  readonly labelSelector?: LabelSelectorInput;
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: LabelSelectorInput;
  readonly topologyKey: string;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

export interface PodAffinityInput {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly PodAffinityTermInput[];
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly {
    readonly weight: number;
    readonly podAffinityTerm: PodAffinityTermInput;
  }[];
}

export interface TopologySpreadInput {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly whenUnsatisfiable: string;
  readonly labelSelector?: LabelSelectorInput;
  readonly minDomains?: number;
  readonly nodeAffinityPolicy?: string;
  readonly nodeTaintsPolicy?: string;
  readonly matchLabelKeys?: readonly string[];
}

export interface TolerationInput {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

export interface TaintInput {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export interface ContainerInput {
  readonly image?: string;
  readonly resources?: { readonly requests?: ResourceList; readonly limits?: ResourceList };
  readonly ports?: readonly {
    readonly hostPort?: number;
    readonly hostIP?: string;
    readonly protocol?: string;
  }[];
  /** `Always` on an init container makes it a sidecar, whose requests stay for the pod's life. */
  readonly restartPolicy?: string;
}

export interface PodSpecInput {
  readonly containers: readonly ContainerInput[];
  readonly initContainers?: readonly ContainerInput[];
  readonly overhead?: ResourceList;
  readonly nodeName?: string;
  readonly nodeSelector?: Labels;
  readonly affinity?: {
    readonly nodeAffinity?: NodeAffinityInput;
    readonly podAffinity?: PodAffinityInput;
    readonly podAntiAffinity?: PodAffinityInput;
  };
  readonly tolerations?: readonly TolerationInput[];
  readonly topologySpreadConstraints?: readonly TopologySpreadInput[];
  /** What the volumes of the pod's claims ask of its node; all must hold. Filled in by who knows the volumes. */
  readonly volumeAffinity?: readonly VolumeAffinityInput[];
  /** Higher ones go first and may preempt lower ones; 0 when absent. */
  readonly priority?: number;
  readonly preemptionPolicy?: string;
}

/** A claim that can be met from nodes that one of these terms selects; without terms from none. */
export interface VolumeAffinityInput {
  readonly terms: readonly NodeSelectorTermInput[];
  /** Why other nodes are out, for people. */
  readonly reason: string;
}

export interface PodInput {
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly spec: PodSpecInput;
  readonly status?: { readonly phase?: string };
}

export interface NodeInput {
  readonly metadata: { readonly name?: string; readonly labels?: Labels };
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly TaintInput[] };
  readonly status?: {
    readonly allocatable?: ResourceList;
    readonly capacity?: ResourceList;
    readonly images?: readonly {
      readonly names?: readonly string[];
      readonly sizeBytes?: number;
    }[];
  };
}
