import type { Cause } from '@gantry/base';

/** The kinds of faults a field can have, named as Kubernetes' causes without their prefix. */
export type FieldErrorType =
  | 'Required'
  | 'Invalid'
  | 'NotSupported'
  | 'Duplicate'
  | 'Forbidden'
  | 'TooLong'
  | 'TooMany'
  | 'NotFound'
  | 'TypeInvalid'
  | 'InternalError';

/** One fault of one field; `field` is a path such as `spec.containers[0].name`. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly detail: string;
  readonly badValue?: unknown;
}

const titles: Record<FieldErrorType, string> = {
  Required: 'Required value',
  Invalid: 'Invalid value',
  NotSupported: 'Unsupported value',
  Duplicate: 'Duplicate value',
  Forbidden: 'Forbidden',
  TooLong: 'Too long',
  TooMany: 'Too many',
  NotFound: 'Not found',
  TypeInvalid: 'Invalid value',
  InternalError: 'Internal error',
};

const withoutValue = new Set<FieldErrorType>(['Required', 'Forbidden', 'TooLong', 'InternalError']);

export const required = (field: string, detail = ''): FieldError => ({
  type: 'Required',
  field,
  detail,
});

export const invalidValue = (field: string, badValue: unknown, detail: string): FieldError => ({
  type: 'Invalid',
  field,
  badValue,
  detail,
});

export const forbidden = (field: string, detail: string): FieldError => ({
  type: 'Forbidden',
  field,
  detail,
});

export const duplicate = (field: string, badValue: unknown): FieldError => ({
  type: 'Duplicate',
  field,
  badValue,
  detail: '',
});

export const notFoundValue = (field: string, badValue: unknown): FieldError => ({
  type: 'NotFound',
  field,
  badValue,
  detail: '',
});

export const tooLong = (field: string, maxLength: number): FieldError => ({
  type: 'TooLong',
  field,
  detail: `may not be more than ${maxLength} bytes`,
});

export const notSupported = (
  field: string,
  badValue: unknown,
  supported: readonly string[],
): FieldError => ({
  type: 'NotSupported',
  field,
  badValue,
  detail: `supported values: ${supported.map((value) => JSON.stringify(value)).join(', ')}`,
});

function formatValue(value: unknown): string {
  const text = value === undefined ? 'null' : JSON.stringify(value);
  return text.length > 512 ? `${text.slice(0, 512)}...` : text;
}

/** `Invalid value: "x": must be …`, the message of a cause. */
export function describeFieldError(error: FieldError): string {
  const parts = [titles[error.type]];
  if (!withoutValue.has(error.type)) parts.push(formatValue(error.badValue));
  if (error.detail) parts.push(error.detail);
  return parts.join(': ');
}

/** The causes of a Status with reason Invalid. */
export function toCauses(errors: readonly FieldError[]): Cause[] {
  return errors.map((error) => ({
    reason: `FieldValue${error.type}`,
    message: describeFieldError(error),
    field: error.field,
  }));
}
