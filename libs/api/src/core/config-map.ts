import { ApiObject, Describe, Field, map, defineKind } from '@gantry/api-machinery';
import { ageColumn, integerColumn, nameColumn } from './columns.js';
import { validateData, validateImmutable } from './validate-data.js';

@Describe('ConfigMap holds configuration for pods; at most 1 MiB.')
export class ConfigMap extends ApiObject {
  @Field('boolean', 'When true, data can no longer be changed.')
  immutable?: boolean;

  @Field(map('string'), 'Text by key.')
  data?: Record<string, string>;

  @Field(map('bytes'), 'Bytes by key, in base64.')
  binaryData?: Record<string, string>;
}

export const ConfigMapKind = defineKind<ConfigMap>({
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  type: ConfigMap,
  columns: [
    nameColumn,
    integerColumn('Data', 'How many keys it has.', ({ data = {}, binaryData = {} }) => {
      return Object.keys(data).length + Object.keys(binaryData).length;
    }),
    ageColumn,
  ],
  validate: ({ data, binaryData }) => validateData({ data, binaryData }),
  validateUpdate: (object, old) => validateImmutable(object, old, ['data', 'binaryData']),
});
