import {
  ApiObject,
  defineKind,
  Describe,
  dnsLabelRule,
  Field,
  invalidValue,
  labelValueRule,
  list,
  map,
  qualifiedNameRule,
  type FieldError,
} from '@gantry/api-machinery';
import { Toleration } from '../core/affinity.js';
import { ageColumn, column, nameColumn } from '../core/columns.js';
import type { ResourceList } from '../core/resources.js';
import { validateToleration } from '../core/validate-placement.js';
import { validateAmount } from '../core/validate-resources.js';

@Describe('Overhead is what running a pod costs besides its containers.')
export class Overhead {
  @Field(map('quantity'), 'Resources that each pod of the class takes on top of its containers.')
  podFixed?: ResourceList;
}

@Describe('Scheduling says which nodes support the class.')
export class RuntimeClassScheduling {
  @Field(map('string'), "Labels that such nodes have; merged into the pod's nodeSelector.")
  nodeSelector?: Record<string, string>;

  @Field(list(() => Toleration), "Added to the pod's tolerations.")
  tolerations?: Toleration[];
}

@Describe('RuntimeClass names a container runtime that pods can ask for.')
export class RuntimeClass extends ApiObject {
  @Field('string', "What the node's agent calls the runtime (its flag --runtime-handler).", {
    required: true,
  })
  handler: string;

  @Field(() => Overhead, 'What running a pod of this class costs.')
  overhead?: Overhead;

  @Field(() => RuntimeClassScheduling, 'Which nodes support this class; all when absent.')
  scheduling?: RuntimeClassScheduling;
}

function validate({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const fault = dnsLabelRule(handler ?? '');
  const errors = fault ? [invalidValue('handler', handler, fault)] : [];
  for (const [name, amount] of Object.entries(overhead?.podFixed ?? {})) {
    errors.push(...validateAmount(name, amount, `overhead.podFixed[${name}]`));
  }
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const wrong = qualifiedNameRule(key) ?? labelValueRule(value);
    if (wrong) errors.push(invalidValue('scheduling.nodeSelector', `${key}=${value}`, wrong));
  }
  for (const [index, toleration] of (scheduling?.tolerations ?? []).entries()) {
    errors.push(...validateToleration(toleration, `scheduling.tolerations[${index}]`));
  }
  return errors;
}

export const RuntimeClassKind = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  namespaced: false,
  type: RuntimeClass,
  columns: [
    nameColumn,
    column('Handler', 'What nodes call the runtime.', ({ handler }) => handler),
    ageColumn,
  ],
  validate,
  validateUpdate: ({ handler }, old) =>
    handler === old.handler ? [] : [invalidValue('handler', handler, 'field is immutable')],
});
