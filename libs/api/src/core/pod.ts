import { ApiObject, Describe, Field, ObjectMeta } from '@gantry/api-machinery';
import { PodSpec } from './pod-spec.js';
import { PodStatus } from './pod-status.js';

@Describe('Pod is a set of containers that run together on one node.')
export class Pod extends ApiObject {
  @Field(() => PodSpec, 'Desired state.')
  spec: PodSpec;

  @Field(() => PodStatus, 'Observed state; written by the agent and the scheduler.')
  status?: PodStatus;
}

@Describe('PodTemplateSpec is what pods are made from.')
export class PodTemplateSpec {
  @Field(() => ObjectMeta, 'Labels and annotations of the pods.')
  metadata?: ObjectMeta;

  @Field(() => PodSpec, 'Desired state of the pods.')
  spec: PodSpec;
}
