import {
  ApiObject,
  ConditionBase,
  defineKind,
  Describe,
  Field,
  invalidValue,
  IsIn,
  LabelSelector,
  list,
  map,
  type FieldError,
} from '@gantry/api-machinery';
import { ageColumn, column, integerColumn, nameColumn } from '../core/columns.js';
import { validateLabelSelector } from '../core/validate-selector.js';

@Describe('PodDisruptionBudgetSpec says how many pods of a set may be taken away on purpose.')
export class PodDisruptionBudgetSpec {
  @Field('intOrString', 'So many, or such a share, must stay healthy.')
  minAvailable?: number | string;

  @Field(() => LabelSelector, 'Which pods it is about; an empty one means all of the namespace.')
  selector?: LabelSelector;

  @Field('intOrString', 'So many, or such a share, may be unhealthy.')
  maxUnavailable?: number | string;

  @IsIn(['IfHealthyBudget', 'AlwaysAllow'])
  @Field('string', 'When running pods that are not healthy may be evicted.')
  unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow';
}

@Describe('PodDisruptionBudgetCondition is one condition of a budget.')
export class PodDisruptionBudgetCondition extends ConditionBase {
  @Field('int64', 'Generation the condition was observed at.')
  observedGeneration?: number;
}

@Describe('PodDisruptionBudgetStatus is the observed state of a budget.')
export class PodDisruptionBudgetStatus {
  @Field('int64', 'Generation of the spec that this status is about.')
  observedGeneration?: number;

  @Field(map('time'), 'Pods whose eviction was granted and is not seen yet, with the time.')
  disruptedPods?: Record<string, string>;

  @Field('int32', 'Pods that may be evicted now.', { required: true })
  disruptionsAllowed: number;

  @Field('int32', 'Pods that are healthy.', { required: true })
  currentHealthy: number;

  @Field('int32', 'Pods that must be healthy.', { required: true })
  desiredHealthy: number;

  @Field('int32', 'Pods that it counts.', { required: true })
  expectedPods: number;

  @Field(list(() => PodDisruptionBudgetCondition, { merge: 'type' }), 'DisruptionAllowed.')
  conditions?: PodDisruptionBudgetCondition[];
}

@Describe('PodDisruptionBudget bounds how many pods of a set are evicted at a time.')
export class PodDisruptionBudget extends ApiObject {
  @Field(() => PodDisruptionBudgetSpec, 'Desired state.')
  spec: PodDisruptionBudgetSpec;

  @Field(() => PodDisruptionBudgetStatus, 'Observed state.')
  status?: PodDisruptionBudgetStatus;
}

function validateShare(value: number | string | undefined, field: string): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === 'number') {
    return value >= 0 ? [] : [invalidValue(field, value, 'must be greater than or equal to 0')];
  }
  const percent = /^(\d{1,9})%$/.exec(value)?.[1];
  if (percent === undefined) {
    const detail =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
    return [invalidValue(field, value, detail)];
  }
  return Number(percent) <= 100
    ? []
    : [invalidValue(field, value, 'must not be greater than 100%')];
}

function validateBudget({ spec }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector } = spec;
  const errors = [
    ...validateShare(minAvailable, 'spec.minAvailable'),
    ...validateShare(maxUnavailable, 'spec.maxUnavailable'),
    ...validateLabelSelector(selector, 'spec.selector'),
  ];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const detail = 'minAvailable and maxUnavailable cannot be both set';
    errors.push(invalidValue('spec', spec, detail));
  }
  return errors;
}

const bound = (value: number | string | undefined) => String(value ?? 'N/A');

export const PodDisruptionBudgetKind = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  namespaced: true,
  type: PodDisruptionBudget,
  subresources: { status: true },
  columns: [
    nameColumn,
    column('Min Available', 'Pods that must stay.', ({ spec }) => bound(spec.minAvailable)),
    column('Max Unavailable', 'Pods that may go.', ({ spec }) => bound(spec.maxUnavailable)),
    integerColumn('Allowed Disruptions', 'Pods that may go now.', ({ status }) => {
      return status?.disruptionsAllowed ?? 0;
    }),
    ageColumn,
  ],
  setDefaults(budget) {
    budget.spec ??= {};
  },
  validate: validateBudget,
  initialStatus: () => ({
    disruptionsAllowed: 0,
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
  }),
});
