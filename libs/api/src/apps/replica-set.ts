import { Min } from 'class-validator';
import {
  ApiObject,
  ConditionBase,
  Describe,
  Field,
  LabelSelector,
  list,
} from '@gantry/api-machinery';
import { PodTemplateSpec } from '../core/pod.js';

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
