import { ApiObject, defineKind, Describe, Field, IsIn, list, map } from '@gantry/api-machinery';
import { ageColumn, column, nameColumn } from '../core/columns.js';

@Describe('StorageClass names a sort of volumes.')
export class StorageClass extends ApiObject {
  @Field(
    'string',
    'Who makes the volumes; here they are made by hand: kubernetes.io/no-provisioner.',
    {
      required: true,
    },
  )
  provisioner: string;

  @Field(map('string'), 'Parameters of the provisioner.')
  parameters?: Record<string, string>;

  @IsIn(['Retain', 'Delete'])
  @Field('string', 'What becomes of a volume whose claim is gone; volumes made by hand are kept.', {
    default: 'Delete',
  })
  reclaimPolicy?: 'Retain' | 'Delete';

  @Field(list('string'), 'Accepted for compatibility.')
  mountOptions?: string[];

  @Field('boolean', 'Accepted for compatibility; volumes do not grow.')
  allowVolumeExpansion?: boolean;

  @IsIn(['Immediate', 'WaitForFirstConsumer'])
  @Field('string', 'Either is met when the first pod of a claim is placed.', {
    default: 'Immediate',
  })
  volumeBindingMode?: 'Immediate' | 'WaitForFirstConsumer';
}

export const StorageClassKind = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  namespaced: false,
  type: StorageClass,
  columns: [
    nameColumn,
    column('Provisioner', 'Who makes the volumes.', ({ provisioner }) => provisioner),
    column('VolumeBindingMode', 'When claims are bound.', (object) => {
      return object.volumeBindingMode ?? 'Immediate';
    }),
    ageColumn,
  ],
});
