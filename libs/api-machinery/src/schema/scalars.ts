import { canonicalQuantity, QuantityError } from '../quantity.js';
import type { ScalarType } from './field.js';

/** The value in canonical form, or why it is none of that type. */
export type ScalarResult = { readonly value: unknown } | { readonly fault: string };

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The JSON type of a value as Go's decoder names it. */
export function jsonTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'object' ? 'object' : typeof value;
}

function mismatch(value: unknown, scalar: string): ScalarResult {
  const what = typeof value === 'number' ? `number ${value}` : jsonTypeName(value);
  return { fault: `cannot unmarshal ${what} into a field of type ${scalar}` };
}

function integer(value: unknown, type: 'int32' | 'int64'): ScalarResult {
  const limit = type === 'int32' ? 2 ** 31 : Number.MAX_SAFE_INTEGER + 1;
  if (!Number.isInteger(value)) return mismatch(value, type);
  const number = value as number;
  return number >= -limit && number < limit ? { value } : mismatch(value, type);
}

function quantity(value: unknown): ScalarResult {
  if (typeof value !== 'string' && typeof value !== 'number') return mismatch(value, 'Quantity');
  try {
    return { value: canonicalQuantity(value) };
  } catch (error) {
    if (error instanceof QuantityError) return { fault: error.message };
    throw error;
  }
}

function time(value: unknown, micro: boolean): ScalarResult {
  if (typeof value !== 'string') return mismatch(value, 'Time');
  const at = Date.parse(value);
  if (!rfc3339.test(value) || Number.isNaN(at)) {
    return {
      fault: `cannot parse ${JSON.stringify(value)} as a time such as 2006-01-02T15:04:05Z`,
    };
  }
  if (micro) return { value };
  return { value: new Date(Math.floor(at / 1000) * 1000).toISOString().replace('.000Z', 'Z') };
}

function bytes(value: unknown): ScalarResult {
  if (typeof value !== 'string') return mismatch(value, '[]byte');
  const text = value.replaceAll(/[\r\n]/g, '');
  return base64.test(text) ? { value: text } : { fault: 'illegal base64 data' };
}

/** Converts JSON to the scalar's canonical form: quantities, times and bytes are normalised. */
export function decodeScalar(scalar: ScalarType, value: unknown): ScalarResult {
  switch (scalar) {
    case 'any':
      return { value };
    case 'string':
      return typeof value === 'string' ? { value } : mismatch(value, 'string');
    case 'boolean':
      return typeof value === 'boolean' ? { value } : mismatch(value, 'bool');
    case 'int32':
    case 'int64':
      return integer(value, scalar);
    case 'double':
      return typeof value === 'number' ? { value } : mismatch(value, 'float64');
    case 'quantity':
      return quantity(value);
    case 'time':
      return time(value, false);
    case 'microTime':
      return time(value, true);
    case 'bytes':
      return bytes(value);
    case 'intOrString':
      return typeof value === 'string' ? { value } : integer(value, 'int32');
  }
}
