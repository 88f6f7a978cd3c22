import {
  ApiObject,
  defineKind,
  Describe,
  Field,
  forbidden,
  invalidValue,
  IsIn,
  type FieldError,
} from '@gantry/api-machinery';
import { ageColumn, column, integerColumn, nameColumn } from '../core/columns.js';

/** The largest value that users may give; what is above is the system's. */
export const maxUserPriority = 1_000_000_000;

@Describe('PriorityClass gives pods that name it their priority.')
export class PriorityClass extends ApiObject {
  @Field('int32', 'Priority of the pods; higher ones go first.', { required: true })
  value: number;

  @Field('boolean', 'Whether pods that name no class get this one; at most one class has it.')
  globalDefault?: boolean;

  @Field('string', 'When to use the class, for people.')
  description?: string;

  @IsIn(['Never', 'PreemptLowerPriority'])
  @Field('string', 'Never or PreemptLowerPriority.', { default: 'PreemptLowerPriority' })
  preemptionPolicy?: 'Never' | 'PreemptLowerPriority';
}

/** The classes that every cluster has, as in Kubernetes. */
export const systemPriorityClasses: readonly PriorityClass[] = [
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    preemptionPolicy: 'PreemptLowerPriority',
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    preemptionPolicy: 'PreemptLowerPriority',
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
];

function validatePriorityClass({ metadata, value, globalDefault }: PriorityClass): FieldError[] {
  const { name = '' } = metadata;
  if (name.startsWith('system-')) {
    const known = systemPriorityClasses.find((each) => each.metadata.name === name);
    if (known && known.value === value && !globalDefault) return [];
    const detail = "priority class names with 'system-' prefix are reserved for system use only";
    return [forbidden('metadata.name', detail)];
  }
  if (value <= maxUserPriority) return [];
  const detail = `maximum allowed value of a user defined priority is ${maxUserPriority}`;
  return [forbidden('value', detail)];
}

function validateChange(now: PriorityClass, old: PriorityClass): FieldError[] {
  const fixed = ['value', 'preemptionPolicy'] as const;
  return fixed
    .filter((field) => now[field] !== old[field])
    .map((field) => invalidValue(field, now[field], 'field is immutable'));
}

export const PriorityClassKind = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  type: PriorityClass,
  columns: [
    nameColumn,
    integerColumn('Value', 'Priority of the pods.', ({ value }) => value),
    column('Global-Default', 'Whether pods get it that name none.', ({ globalDefault }) =>
      String(globalDefault ?? false),
    ),
    ageColumn,
    column('PreemptionPolicy', 'Whether its pods preempt others.', ({ preemptionPolicy }) => {
      return preemptionPolicy ?? 'PreemptLowerPriority';
    }),
  ],
  validate: validatePriorityClass,
  validateUpdate: validateChange,
});
