import {
  ApiObject,
  ConditionBase,
  Describe,
  Field,
  list,
  defineKind,
  dnsLabelRule,
} from '@gantry/api-machinery';
import { ageColumn, column, nameColumn } from './columns.js';

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

export const NamespaceKind = defineKind<Namespace>({
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  type: Namespace,
  subresources: { status: true },
  nameRule: dnsLabelRule,
  columns: [
    nameColumn,
    column('Status', 'Active or Terminating.', ({ status }) => status?.phase ?? 'Active'),
    ageColumn,
  ],
  selectableFields: { 'status.phase': ({ status }) => status?.phase ?? '' },
  setDefaults({ metadata }) {
    if (!metadata.name) return;
    metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
  },
  initialStatus: () => ({ phase: 'Active' }),
  prepare(namespace, old) {
    // The namespace controller takes this finalizer off once the namespace is empty.
    namespace.spec = old ? (old.spec ?? {}) : { finalizers: ['kubernetes'] };
  },
});
