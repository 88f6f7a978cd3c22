import {
  ApiObject,
  defineKind,
  Describe,
  Field,
  forbidden,
  IsIn,
  jsonEqual,
  LabelSelector,
  list,
  map,
  required,
  type FieldError,
} from '@gantry/api-machinery';
import { ageColumn, column, nameColumn } from '../core/columns.js';
import type { ResourceList } from '../core/resources.js';
import { validateLabelSelector } from '../core/validate-selector.js';
import type { AccessMode } from './persistent-volume.js';
import { claimProtection, protectedBy } from './protection.js';

@Describe('VolumeResourceRequirements says how much storage is needed.')
export class VolumeResourceRequirements {
  @Field(map('quantity'), 'The least, as `storage`.')
  requests?: ResourceList;

  @Field(map('quantity'), 'Accepted for compatibility.')
  limits?: ResourceList;
}

@Describe('PersistentVolumeClaimSpec says what storage is needed.')
export class PersistentVolumeClaimSpec {
  @Field(list('string'), 'How it is to be used.')
  accessModes?: AccessMode[];

  @Field(() => LabelSelector, 'Which volumes will do.')
  selector?: LabelSelector;

  @Field(() => VolumeResourceRequirements, 'How much.')
  resources?: VolumeResourceRequirements;

  @Field('string', 'The volume that it is bound to.')
  volumeName?: string;

  @Field('string', 'Storage class of the volume; empty for volumes of none.')
  storageClassName?: string;

  @IsIn(['Filesystem'])
  @Field('string', 'Only Filesystem.', { default: 'Filesystem' })
  volumeMode?: 'Filesystem';

  @Field('any', 'What to fill it with.', { unsupported: 'volumes are not filled from others' })
  dataSource?: unknown;

  @Field('any', 'What to fill it with.', { unsupported: 'volumes are not filled from others' })
  dataSourceRef?: unknown;
}

@Describe('PersistentVolumeClaimStatus is the observed state of a claim.')
export class PersistentVolumeClaimStatus {
  @Field('string', 'Pending or Bound.')
  phase?: 'Pending' | 'Bound';

  @Field(list('string'), 'How the volume may be used.')
  accessModes?: AccessMode[];

  @Field(map('quantity'), 'How much the volume holds.')
  capacity?: ResourceList;
}

@Describe('PersistentVolumeClaim asks for a volume, and keeps it.')
export class PersistentVolumeClaim extends ApiObject {
  @Field(() => PersistentVolumeClaimSpec, 'Desired state.', { required: true })
  spec: PersistentVolumeClaimSpec;

  @Field(() => PersistentVolumeClaimStatus, 'Observed state.')
  status?: PersistentVolumeClaimStatus;
}

function validateClaim({ spec }: PersistentVolumeClaim): FieldError[] {
  const errors = validateLabelSelector(spec.selector, 'spec.selector');
  if (!spec.accessModes?.length) errors.push(required('spec.accessModes'));
  if (!spec.resources?.requests?.storage) errors.push(required('spec.resources[storage]'));
  return errors;
}

function validateClaimUpdate({ spec }: PersistentVolumeClaim, old: PersistentVolumeClaim) {
  const comparable = { ...spec, volumeName: old.spec.volumeName ?? spec.volumeName };
  const before = { ...old.spec, volumeName: old.spec.volumeName ?? spec.volumeName };
  const isSame =
    jsonEqual(comparable, before) &&
    (!old.spec.volumeName || spec.volumeName === old.spec.volumeName);
  return isSame ? [] : [forbidden('spec', 'spec is immutable after creation')];
}

export const PersistentVolumeClaimKind = defineKind<PersistentVolumeClaim>({
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  namespaced: true,
  type: PersistentVolumeClaim,
  subresources: { status: true },
  columns: [
    nameColumn,
    column('Status', 'Pending or Bound.', ({ status }) => status?.phase ?? 'Pending'),
    column('Volume', 'What it is bound to.', ({ spec }) => spec.volumeName ?? ''),
    column('Capacity', 'How much that holds.', ({ status }) => status?.capacity?.storage ?? ''),
    column('Access Modes', 'How it may be used.', ({ status }) =>
      (status?.accessModes ?? []).join(','),
    ),
    column('StorageClass', 'Its class.', ({ spec }) => spec.storageClassName ?? ''),
    ageColumn,
  ],
  validate: validateClaim,
  validateUpdate: validateClaimUpdate,
  prepare: protectedBy(claimProtection),
  initialStatus: () => ({ phase: 'Pending' }),
});
