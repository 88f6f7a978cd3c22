import {
  ApiObject,
  ConditionBase,
  defineKind,
  Describe,
  Field,
  invalidValue,
  list,
} from '@gantry/api-machinery';
import { ageColumn, column, integerColumn, nameColumn } from '../core/columns.js';
import type { Pod } from '../core/pod.js';

/** The label by which a pod names its PodGroup, in its own namespace. */
export const podGroupLabel = 'scheduling.x-k8s.io/pod-group';
export const defaultScheduleTimeoutSeconds = 60;

@Describe('PodGroupSpec says how many pods of the group must start together.')
export class PodGroupSpec {
  @Field('int32', 'Pods that are placed at once, or none of them.', { required: true })
  minMember: number;

  @Field('int32', 'Seconds after which the group steps aside and is tried once a minute.', {
    default: defaultScheduleTimeoutSeconds,
  })
  scheduleTimeoutSeconds?: number;
}

@Describe('PodGroupCondition is one condition of a group.')
export class PodGroupCondition extends ConditionBase {}

@Describe('PodGroupStatus is the observed state of a group.')
export class PodGroupStatus {
  @Field('string', 'Pending, PreScheduling, Scheduled, Running, Finished or Failed.')
  phase?: string;

  @Field('int32', 'Pods of the group that have not ended.')
  members?: number;

  @Field('int32', 'Pods that have a node.')
  scheduled?: number;

  @Field('int32', 'Pods that run.')
  running?: number;

  @Field('int32', 'Pods that ended well.')
  succeeded?: number;

  @Field('int32', 'Pods that failed.')
  failed?: number;

  @Field(list(() => PodGroupCondition, { merge: 'type' }), 'Scheduled.')
  conditions?: PodGroupCondition[];
}

@Describe('PodGroup is a set of pods that start together or not at all.')
export class PodGroup extends ApiObject {
  @Field(() => PodGroupSpec, 'Desired state.', { required: true })
  spec: PodGroupSpec;

  @Field(() => PodGroupStatus, 'Observed state.')
  status?: PodGroupStatus;
}

/** `NAMESPACE/NAME` of the pod's group; undefined for the many that have none. */
export function podGroupOf({ metadata }: Pod): string | undefined {
  const name = metadata.labels?.[podGroupLabel];
  return name ? `${metadata.namespace}/${name}` : undefined;
}

export const PodGroupKind = defineKind<PodGroup>({
  group: 'scheduling.x-k8s.io',
  version: 'v1alpha1',
  kind: 'PodGroup',
  plural: 'podgroups',
  shortNames: ['pg'],
  namespaced: true,
  type: PodGroup,
  subresources: { status: true },
  columns: [
    nameColumn,
    column('Phase', 'How far it is.', ({ status }) => status?.phase ?? 'Pending'),
    integerColumn('MinMember', 'Pods that start together.', ({ spec }) => spec.minMember),
    integerColumn('Scheduled', 'Pods with a node.', ({ status }) => status?.scheduled ?? 0),
    integerColumn('Running', 'Pods that run.', ({ status }) => status?.running ?? 0),
    ageColumn,
  ],
  validate({ spec }) {
    const { minMember, scheduleTimeoutSeconds: timeout = 1 } = spec;
    const detail = 'must be greater than 0';
    return [
      ...(minMember > 0 ? [] : [invalidValue('spec.minMember', minMember, detail)]),
      ...(timeout > 0 ? [] : [invalidValue('spec.scheduleTimeoutSeconds', timeout, detail)]),
    ];
  },
  initialStatus: () => ({ phase: 'Pending' }),
});
