import { ApiObject, ConditionBase, Describe, Field, list } from '@gantry/api-machinery';

@Describe('NamespaceSpec is the desired state of a namespace.')
export class NamespaceSpec {
  @Field(list('string'), 'Names that must be removed before the namespace may go.')
  finalizers?: string[];
}

@Describe('NamespaceCondition is one condition of a namespace.')
export class NamespaceCondition extends ConditionBase {}

@Describe('NamespaceStatus is the observed state of a namespace.')
export class NamespaceStatus {
  @Field('string', 'Active or Terminating.')
  phase?: 'Active' | 'Terminating';

  @Field(list(() => NamespaceCondition, { merge: 'type' }), 'What is in the way of its deletion.')
  conditions?: NamespaceCondition[];
}

@Describe('Namespace is a scope for names; deleting it deletes what is in it.')
export class Namespace extends ApiObject {
  @Field(() => NamespaceSpec, 'Desired state.')
  spec?: NamespaceSpec;

  @Field(() => NamespaceStatus, 'Observed state.')
  status?: NamespaceStatus;
}
