import {
  ApiObject,
  Describe,
  Field,
  map,
  defineKind,
  required,
  invalidValue,
  type FieldError,
} from '@gantry/api-machinery';
import { ageColumn, column, integerColumn, nameColumn } from './columns.js';
import { validateData, validateImmutable } from './validate-data.js';

@Describe('Secret holds confidential data for pods; at most 1 MiB.')
export class Secret extends ApiObject {
  @Field('boolean', 'When true, data can no longer be changed.')
  immutable?: boolean;

  @Field(map('bytes'), 'Bytes by key, in base64.')
  data?: Record<string, string>;

  @Field(map('string'), 'Text by key; written into data, never read back.')
  stringData?: Record<string, string>;

  @Field('string', 'What the data are, e.g. Opaque or kubernetes.io/dockerconfigjson.', {
    default: 'Opaque',
  })
  type?: string;
}

const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

function validateType({ type = '', data = {} }: Secret): FieldError[] {
  const errors = (requiredKeys[type] ?? [])
    .filter((key) => data[key] === undefined)
    .map((key) => required(`data[${key}]`));
  for (const key of ['.dockerconfigjson', '.dockercfg']) {
    if (!requiredKeys[type]?.includes(key) || data[key] === undefined) continue;
    try {
      JSON.parse(Buffer.from(data[key], 'base64').toString());
    } catch {
      errors.push(invalidValue(`data[${key}]`, '<secret contents redacted>', 'must be valid JSON'));
    }
  }
  return errors;
}

/** Moves stringData into data, so that text is never stored twice. */
function mergeStringData(secret: Secret): void {
  for (const [key, text] of Object.entries(secret.stringData ?? {})) {
    secret.data = { ...secret.data, [key]: Buffer.from(text).toString('base64') };
  }
  delete secret.stringData;
}

export const SecretKind = defineKind<Secret>({
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  type: Secret,
  columns: [
    nameColumn,
    column('Type', 'What the data are.', ({ type }) => type ?? 'Opaque'),
    integerColumn('Data', 'How many keys it has.', ({ data = {} }) => Object.keys(data).length),
    ageColumn,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
  setDefaults: mergeStringData,
  validate: (secret) => [...validateData({ data: secret.data }), ...validateType(secret)],
  validateUpdate(secret, old) {
    const errors = validateImmutable(secret, old, ['data']);
    if (secret.type === old.type) return errors;
    return [...errors, invalidValue('type', secret.type, 'field is immutable')];
  },
});
