import { Describe, Field, IsIn, LabelSelector, Max, Min, list } from '@gantry/api-machinery';

export type NodeSelectorOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
export type TaintEffect = 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';

@Describe('NodeSelectorRequirement relates a label or field of a node to values.')
export class NodeSelectorRequirement {
  @Field('string', 'Label key, or field name in matchFields.', { required: true })
  key: string;

  @IsIn(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'])
  @Field('string', 'In, NotIn, Exists, DoesNotExist, Gt or Lt.', { required: true })
  operator: NodeSelectorOperator;

  @Field(list('string'), 'Values; one integer for Gt and Lt, none for Exists and DoesNotExist.')
  values?: string[];
}

@Describe('NodeSelectorTerm holds when all its requirements hold; an empty one never does.')
export class NodeSelectorTerm {
  @Field(list(() => NodeSelectorRequirement), 'Requirements on labels.')
  matchExpressions?: NodeSelectorRequirement[];

  @Field(list(() => NodeSelectorRequirement), 'Requirements on fields; metadata.name only.')
  matchFields?: NodeSelectorRequirement[];
}

@Describe('NodeSelector holds when one of its terms holds.')
export class NodeSelector {
  @Field(list(() => NodeSelectorTerm), 'The terms.', { required: true })
  nodeSelectorTerms: NodeSelectorTerm[];
}

@Describe('PreferredSchedulingTerm adds weight to the nodes that match.')
export class PreferredSchedulingTerm {
  @Min(1)
  @Max(100)
  @Field('int32', 'Weight, 1 to 100.', { required: true })
  weight: number;

  @Field(() => NodeSelectorTerm, 'The term.', { required: true })
  preference: NodeSelectorTerm;
}

@Describe('NodeAffinity draws a pod to nodes.')
export class NodeAffinity {
  @Field(() => NodeSelector, 'Must hold when the pod is placed.')
  requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector;

  @Field(list(() => PreferredSchedulingTerm), 'Preferred, by weight.')
  preferredDuringSchedulingIgnoredDuringExecution?: PreferredSchedulingTerm[];
}

@Describe('PodAffinityTerm selects pods and the topology in which they count as near.')
export class PodAffinityTerm {
  @Field(() => LabelSelector, 'Which pods; none when absent.')
  labelSelector?: LabelSelector;

  @Field(list('string'), 'Namespaces of those pods; the own one when empty.')
  namespaces?: string[];

  @Field('string', 'Node label whose equal values mean near.', { required: true })
  topologyKey: string;

  @Field(() => LabelSelector, 'Further namespaces, by their labels.')
  namespaceSelector?: LabelSelector;

  @Field(list('string'), 'Labels whose values are taken from the pod, as key In (value).')
  matchLabelKeys?: string[];

  @Field(list('string'), 'Labels whose values are taken from the pod, as key NotIn (value).')
  mismatchLabelKeys?: string[];
}

@Describe('WeightedPodAffinityTerm adds weight to nodes near the selected pods.')
export class WeightedPodAffinityTerm {
  @Min(1)
  @Max(100)
  @Field('int32', 'Weight, 1 to 100.', { required: true })
  weight: number;

  @Field(() => PodAffinityTerm, 'The term.', { required: true })
  podAffinityTerm: PodAffinityTerm;
}

@Describe('PodAffinity draws a pod to other pods.')
export class PodAffinity {
  @Field(list(() => PodAffinityTerm), 'All must hold when the pod is placed.')
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[];

  @Field(list(() => WeightedPodAffinityTerm), 'Preferred, by weight.')
  preferredDuringSchedulingIgnoredDuringExecution?: WeightedPodAffinityTerm[];
}

@Describe('PodAntiAffinity keeps a pod away from other pods.')
export class PodAntiAffinity {
  @Field(list(() => PodAffinityTerm), 'All must hold when the pod is placed.')
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[];

  @Field(list(() => WeightedPodAffinityTerm), 'Preferred, by weight.')
  preferredDuringSchedulingIgnoredDuringExecution?: WeightedPodAffinityTerm[];
}

@Describe('Affinity says what draws a pod and what keeps it away.')
export class Affinity {
  @Field(() => NodeAffinity, 'Nodes.')
  nodeAffinity?: NodeAffinity;

  @Field(() => PodAffinity, 'Pods to be near to.')
  podAffinity?: PodAffinity;

  @Field(() => PodAntiAffinity, 'Pods to be away from.')
  podAntiAffinity?: PodAntiAffinity;
}

@Describe('TopologySpreadConstraint spreads matching pods over a topology.')
export class TopologySpreadConstraint {
  @Min(1)
  @Field('int32', 'How much the counts may differ.', { required: true })
  maxSkew: number;

  @Field('string', 'Node label whose values are the domains.', { required: true })
  topologyKey: string;

  @IsIn(['DoNotSchedule', 'ScheduleAnyway'])
  @Field('string', 'DoNotSchedule or ScheduleAnyway.', { required: true })
  whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway';

  @Field(() => LabelSelector, 'Which pods are counted.')
  labelSelector?: LabelSelector;

  @Min(1)
  @Field('int32', 'Fewest domains; with DoNotSchedule only.')
  minDomains?: number;

  @IsIn(['Honor', 'Ignore'])
  @Field('string', 'Whether nodes outside affinity and nodeSelector count: Honor or Ignore.')
  nodeAffinityPolicy?: 'Honor' | 'Ignore';

  @IsIn(['Honor', 'Ignore'])
  @Field('string', 'Whether tainted nodes count: Honor or Ignore.')
  nodeTaintsPolicy?: 'Honor' | 'Ignore';

  @Field(list('string'), 'Labels whose values are taken from the pod.')
  matchLabelKeys?: string[];
}

@Describe('Toleration lets a pod onto nodes with matching taints.')
export class Toleration {
  @Field('string', 'Key of the taint; empty with Exists: all.')
  key?: string;

  @IsIn(['Equal', 'Exists'])
  @Field('string', 'Equal (default) or Exists.')
  operator?: 'Equal' | 'Exists';

  @Field('string', 'Value of the taint; with Equal only.')
  value?: string;

  @IsIn(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
  @Field('string', 'Effect of the taint; empty: all.')
  effect?: TaintEffect;

  @Field('int64', 'How long a NoExecute taint is tolerated; for ever when absent.')
  tolerationSeconds?: number;
}
