import {
  ApiObject,
  defineKind,
  Describe,
  Field,
  IsIn,
  jsonEqual,
  list,
  map,
  forbidden,
  required,
  type FieldError,
} from '@gantry/api-machinery';
import { NodeSelector } from '../core/affinity.js';
import { ageColumn, column, nameColumn } from '../core/columns.js';
import { ObjectReference } from '../core/references.js';
import type { ResourceList } from '../core/resources.js';
import { validateAbsolutePath } from '../core/validate-paths.js';
import { HostPathVolumeSource } from '../core/volume.js';
import { volumeProtection, protectedBy } from './protection.js';

export type AccessMode = 'ReadWriteOnce' | 'ReadOnlyMany' | 'ReadWriteMany' | 'ReadWriteOncePod';

@Describe('LocalVolumeSource is a directory of one node.')
export class LocalVolumeSource {
  @Field('string', 'Absolute path on the node; it must exist.', { required: true })
  path: string;
}

@Describe('VolumeNodeAffinity says from which nodes a volume can be reached.')
export class VolumeNodeAffinity {
  @Field(() => NodeSelector, 'Must hold for a node.')
  required?: NodeSelector;
}

@Describe('PersistentVolumeSpec is a piece of storage.')
export class PersistentVolumeSpec {
  @Field(map('quantity'), 'How much it holds, as `storage`.')
  capacity?: ResourceList;

  @Field(() => HostPathVolumeSource, 'A path of whatever node the pod is on.')
  hostPath?: HostPathVolumeSource;

  @Field(() => LocalVolumeSource, 'A path of the nodes that nodeAffinity names.')
  local?: LocalVolumeSource;

  @Field(list('string'), 'ReadWriteOnce, ReadOnlyMany, ReadWriteMany or ReadWriteOncePod.')
  accessModes?: AccessMode[];

  @Field(() => ObjectReference, 'The claim that it is bound to, or kept for.')
  claimRef?: ObjectReference;

  @IsIn(['Retain', 'Delete'])
  @Field('string', 'Volumes made by hand are kept whatever is said here.', { default: 'Retain' })
  persistentVolumeReclaimPolicy?: 'Retain' | 'Delete';

  @Field('string', 'Name of its storage class; empty for none.')
  storageClassName?: string;

  @Field(list('string'), 'Accepted for compatibility.')
  mountOptions?: string[];

  @IsIn(['Filesystem'])
  @Field('string', 'Only Filesystem.', { default: 'Filesystem' })
  volumeMode?: 'Filesystem';

  @Field(() => VolumeNodeAffinity, 'From which nodes it can be reached.')
  nodeAffinity?: VolumeNodeAffinity;
}

@Describe('PersistentVolumeStatus is the observed state of a volume.')
export class PersistentVolumeStatus {
  @Field('string', 'Available, Bound or Released.')
  phase?: 'Available' | 'Bound' | 'Released';
}

@Describe('PersistentVolume is a piece of storage that outlives pods.')
export class PersistentVolume extends ApiObject {
  @Field(() => PersistentVolumeSpec, 'Desired state.', { required: true })
  spec: PersistentVolumeSpec;

  @Field(() => PersistentVolumeStatus, 'Observed state.')
  status?: PersistentVolumeStatus;
}

function validateVolume({ spec }: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec.capacity?.storage) errors.push(required('spec.capacity[storage]'));
  if (!spec.accessModes?.length) errors.push(required('spec.accessModes'));
  const { hostPath, local } = spec;
  if (hostPath && local) errors.push(forbidden('spec', 'may not specify more than 1 volume type'));
  if (!hostPath && !local) {
    errors.push(required('spec', 'must specify a volume type: hostPath or local'));
  }
  if (local) {
    errors.push(...validateAbsolutePath(local.path, 'spec.local.path'));
    if (!spec.nodeAffinity?.required) {
      errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
    }
  }
  return errors;
}

export const PersistentVolumeKind = defineKind<PersistentVolume>({
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  namespaced: false,
  type: PersistentVolume,
  subresources: { status: true },
  columns: [
    nameColumn,
    column('Capacity', 'How much it holds.', ({ spec }) => spec.capacity?.storage ?? ''),
    column('Access Modes', 'How it may be used.', ({ spec }) => (spec.accessModes ?? []).join(',')),
    column('Status', 'Available, Bound or Released.', ({ status }) => status?.phase ?? 'Available'),
    column('Claim', 'Whose it is.', ({ spec: { claimRef } }) =>
      claimRef ? `${claimRef.namespace}/${claimRef.name}` : '',
    ),
    column('StorageClass', 'Its class.', ({ spec }) => spec.storageClassName ?? ''),
    ageColumn,
  ],
  validate: validateVolume,
  validateUpdate: ({ spec }, old) =>
    jsonEqual([spec.hostPath, spec.local], [old.spec.hostPath, old.spec.local])
      ? []
      : [forbidden('spec.persistentvolumesource', 'is immutable after creation')],
  prepare: protectedBy(volumeProtection),
  initialStatus: () => ({ phase: 'Available' }),
});
