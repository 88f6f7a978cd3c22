import {
  ApiObject,
  ConditionBase,
  Describe,
  Field,
  LabelSelector,
  Min,
  list,
  defineKind,
} from '@gantry/api-machinery';
import { PodTemplateSpec } from '../core/pod.js';
import { ageColumn, containerColumns, integerColumn, nameColumn } from '../core/columns.js';
import { defaultPodSpec } from '../core/pod-defaults.js';
import { selectorColumn, validateSelectorUpdate, validateTemplate } from './template.js';

@Describe('ReplicaSetSpec is the desired state of a ReplicaSet.')
export class ReplicaSetSpec {
  @Min(0)
  @Field('int32', 'How many pods.', { default: 1 })
  replicas?: number;

  @Min(0)
  @Field('int32', 'Seconds that a pod must be ready before it counts as available.')
  minReadySeconds?: number;

  @Field(() => LabelSelector, 'Which pods are its own; must match the template.', {
    required: true,
  })
  selector: LabelSelector;

  @Field(() => PodTemplateSpec, 'What the pods are made from.')
  template: PodTemplateSpec;
}

@Describe('ReplicaSetCondition is one condition of a ReplicaSet.')
export class ReplicaSetCondition extends ConditionBase {}

@Describe('ReplicaSetStatus is the observed state of a ReplicaSet.')
export class ReplicaSetStatus {
  @Field('int32', 'Pods that exist.', { required: true })
  replicas: number;

  @Field('int32', 'Pods with all labels of the template.')
  fullyLabeledReplicas?: number;

  @Field('int32', 'Pods that are ready.')
  readyReplicas?: number;

  @Field('int32', 'Pods that were ready for minReadySeconds.')
  availableReplicas?: number;

  @Field('int32', 'Pods that are ending.')
  terminatingReplicas?: number;

  @Field('int64', 'Generation that this status is about.')
  observedGeneration?: number;

  @Field(list(() => ReplicaSetCondition, { merge: 'type' }), 'What is in the way.')
  conditions?: ReplicaSetCondition[];
}

@Describe('ReplicaSet keeps a number of equal pods running.')
export class ReplicaSet extends ApiObject {
  @Field(() => ReplicaSetSpec, 'Desired state.')
  spec: ReplicaSetSpec;

  @Field(() => ReplicaSetStatus, 'Observed state.')
  status?: ReplicaSetStatus;
}

const replicaSetColumns = [
  nameColumn,
  integerColumn('Desired', 'Pods that are wanted.', ({ spec }: ReplicaSet) => spec.replicas ?? 0),
  integerColumn('Current', 'Pods that exist.', ({ status }: ReplicaSet) => status?.replicas ?? 0),
  integerColumn('Ready', 'Pods that are ready.', ({ status }: ReplicaSet) => {
    return status?.readyReplicas ?? 0;
  }),
  ageColumn,
  ...containerColumns(({ spec }: ReplicaSet) => spec.template),
  selectorColumn,
];

export const ReplicaSetKind = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  type: ReplicaSet,
  subresources: { status: true, scale: true },
  columns: replicaSetColumns,
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  setDefaults({ spec }) {
    if (spec?.template?.spec) defaultPodSpec(spec.template.spec);
  },
  validate: ({ spec }) => validateTemplate(spec, 'ReplicaSet'),
  validateUpdate: validateSelectorUpdate,
  initialStatus: () => ({ replicas: 0 }),
});
