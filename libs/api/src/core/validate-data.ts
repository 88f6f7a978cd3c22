import {
  configKeyRule,
  forbidden,
  invalidValue,
  jsonEqual,
  type FieldError,
} from '@gantry/api-machinery';

const maxBytes = 1024 * 1024;

type Data = Readonly<Record<string, string>> | undefined;

function sizeOf(data: Data, encoded: boolean): number {
  return Object.values(data ?? {}).reduce((sum, value) => {
    return sum + Buffer.byteLength(value, encoded ? 'base64' : 'utf8');
  }, 0);
}

/** Faults of the keys and the size of a ConfigMap's or Secret's data; 1 MiB in all. */
export function validateData(maps: {
  readonly data?: Data;
  readonly binaryData?: Data;
}): FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, map] of Object.entries(maps)) {
    for (const key of Object.keys(map ?? {})) {
      const fault = configKeyRule(key);
      if (fault) errors.push(invalidValue(`${field}[${key}]`, key, fault));
    }
  }
  for (const key of Object.keys(maps.binaryData ?? {})) {
    if (!maps.data || !Object.hasOwn(maps.data, key)) continue;
    errors.push(invalidValue('data', key, 'duplicate of key present in binaryData'));
  }
  const size = sizeOf(maps.data, !('binaryData' in maps)) + sizeOf(maps.binaryData, true);
  if (size > maxBytes) {
    const detail = `may not be more than ${maxBytes} bytes`;
    errors.push({ type: 'TooLong', field: 'data', detail });
  }
  return errors;
}

interface Freezable {
  readonly immutable?: boolean;
}

/** Faults of a change of something that was declared immutable. */
export function validateImmutable<T extends Freezable>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (!old.immutable) return [];
  const detail = 'field is immutable when `immutable` is set';
  const errors = object.immutable ? [] : [forbidden('immutable', detail)];
  for (const field of fields) {
    if (!jsonEqual(object[field] ?? {}, old[field] ?? {})) errors.push(forbidden(field, detail));
  }
  return errors;
}
