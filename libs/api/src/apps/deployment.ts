import {
  ApiObject,
  ConditionBase,
  Describe,
  Field,
  IsIn,
  LabelSelector,
  Min,
  list,
  defineKind,
} from '@gantry/api-machinery';
import { PodTemplateSpec } from '../core/pod.js';
import { ageColumn, column, containerColumns, integerColumn, nameColumn } from '../core/columns.js';
import { defaultPodSpec } from '../core/pod-defaults.js';
import { selectorColumn, validateSelectorUpdate, validateTemplate } from './template.js';
import { validateRollout } from './validate-rollout.js';

@Describe('RollingUpdateDeployment bounds a rolling update.')
export class RollingUpdateDeployment {
  @Field('intOrString', 'How many pods may be missing, a number or a percentage.')
  maxUnavailable?: number | string;

  @Field('intOrString', 'How many pods may be there on top, a number or a percentage.')
  maxSurge?: number | string;
}

@Describe('DeploymentStrategy says how old pods are replaced.')
export class DeploymentStrategy {
  @IsIn(['Recreate', 'RollingUpdate'])
  @Field('string', 'RollingUpdate or Recreate.')
  type?: 'Recreate' | 'RollingUpdate';

  @Field(() => RollingUpdateDeployment, 'Bounds; with RollingUpdate only.')
  rollingUpdate?: RollingUpdateDeployment;
}

@Describe('DeploymentSpec is the desired state of a Deployment.')
export class DeploymentSpec {
  @Min(0)
  @Field('int32', 'How many pods.', { default: 1 })
  replicas?: number;

  @Field(() => LabelSelector, 'Which pods are its own; must match the template. Immutable.', {
    required: true,
  })
  selector: LabelSelector;

  @Field(() => PodTemplateSpec, 'What the pods are made from.')
  template: PodTemplateSpec;

  @Field(() => DeploymentStrategy, 'How old pods are replaced.', { retainKeys: true })
  strategy?: DeploymentStrategy;

  @Min(0)
  @Field('int32', 'Seconds that a pod must be ready before it counts as available.')
  minReadySeconds?: number;

  @Min(0)
  @Field('int32', 'How many old ReplicaSets are kept to roll back to.', { default: 10 })
  revisionHistoryLimit?: number;

  @Field('boolean', 'Whether changes of the template wait.')
  paused?: boolean;

  @Field('int32', 'Seconds without progress after which the rollout counts as failed.', {
    default: 600,
  })
  progressDeadlineSeconds?: number;
}

@Describe('DeploymentCondition is one condition of a Deployment.')
export class DeploymentCondition extends ConditionBase {
  @Field('time', 'When it was last updated.')
  lastUpdateTime?: string;
}

@Describe('DeploymentStatus is the observed state of a Deployment.')
export class DeploymentStatus {
  @Field('int64', 'Generation that this status is about.')
  observedGeneration?: number;

  @Field('int32', 'Pods that exist.')
  replicas?: number;

  @Field('int32', 'Pods made from the present template.')
  updatedReplicas?: number;

  @Field('int32', 'Pods that are ready.')
  readyReplicas?: number;

  @Field('int32', 'Pods that were ready for minReadySeconds.')
  availableReplicas?: number;

  @Field('int32', 'Pods that are missing.')
  unavailableReplicas?: number;

  @Field('int32', 'Pods that are ending.')
  terminatingReplicas?: number;

  @Field(list(() => DeploymentCondition, { merge: 'type' }), 'Available, Progressing …')
  conditions?: DeploymentCondition[];

  @Field('int32', 'Collisions of the template hash, for naming.')
  collisionCount?: number;
}

@Describe('Deployment keeps equal pods running and replaces them step by step on a change.')
export class Deployment extends ApiObject {
  @Field(() => DeploymentSpec, 'Desired state.')
  spec: DeploymentSpec;

  @Field(() => DeploymentStatus, 'Observed state.')
  status?: DeploymentStatus;
}

const deploymentColumns = [
  nameColumn,
  column('Ready', 'Pods that are ready, of those wanted.', ({ spec, status }: Deployment) => {
    return `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`;
  }),
  integerColumn('Up-to-date', 'Pods of the present template.', ({ status }: Deployment) => {
    return status?.updatedReplicas ?? 0;
  }),
  integerColumn('Available', 'Pods that were ready long enough.', ({ status }: Deployment) => {
    return status?.availableReplicas ?? 0;
  }),
  ageColumn,
  ...containerColumns(({ spec }: Deployment) => spec.template),
  selectorColumn,
];

function defaultDeployment({ spec }: Deployment): void {
  if (!spec) return;
  if (spec.template?.spec) defaultPodSpec(spec.template.spec);
  spec.strategy = { ...spec.strategy, type: spec.strategy?.type ?? 'RollingUpdate' };
  if (spec.strategy.type !== 'RollingUpdate') return;
  spec.strategy.rollingUpdate = {
    maxUnavailable: '25%',
    maxSurge: '25%',
    ...spec.strategy.rollingUpdate,
  };
}

export const DeploymentKind = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  type: Deployment,
  subresources: { status: true, scale: true },
  columns: deploymentColumns,
  setDefaults: defaultDeployment,
  validate: ({ spec }) => [...validateTemplate(spec, 'Deployment'), ...validateRollout(spec)],
  validateUpdate: validateSelectorUpdate,
  initialStatus: () => ({}),
});
