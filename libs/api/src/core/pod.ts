import { ApiObject, defineKind, Describe, Field, ObjectMeta } from '@gantry/api-machinery';
import { validateOvercommit } from './overcommit.js';
import { podColumns } from './pod-columns.js';
import { defaultPod, keepPriority } from './pod-defaults.js';
import { PodSpec } from './pod-spec.js';
import { PodStatus, type PodCondition } from './pod-status.js';
import { qosClassOf } from './qos.js';
import { validatePodSpec, validatePodUpdate } from './validate-pod.js';

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

const gated: PodCondition = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
};

export const PodKind = defineKind<Pod>({
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  type: Pod,
  subresources: { status: true },
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  setDefaults: defaultPod,
  prepare: keepPriority,
  validate: (pod) => [...validatePodSpec(pod.spec, 'spec'), ...validateOvercommit(pod)],
  validateUpdate: (pod, old) => [...validatePodUpdate(pod, old), ...validateOvercommit(pod, old)],
  initialStatus: ({ spec }) => ({
    phase: 'Pending',
    qosClass: spec?.containers ? qosClassOf(spec) : 'BestEffort',
    ...(spec?.schedulingGates?.length ? { conditions: [gated] } : {}),
  }),
});
