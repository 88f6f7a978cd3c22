import { forbidden, required, type FieldError } from '../field-error.js';
import type { FieldType, Struct } from './field.js';
import { childPath, isObject, planOf, type FieldPlan, type JsonObject } from './plan.js';

function isMissing(value: unknown, type: FieldType): boolean {
  if (value === undefined || value === '') return true;
  if (type.form === 'list') return Array.isArray(value) && value.length === 0;
  // Zero stands for absent in Kubernetes' own types.
  return type.form === 'scalar' && type.scalar === 'int32' && value === 0;
}

function checkValue(type: FieldType, value: unknown, path: string, errors: FieldError[]): void {
  if (type.form === 'struct') {
    if (isObject(value)) checkStruct(type.struct(), value, path, errors);
  } else if (type.form === 'list' && Array.isArray(value)) {
    if (type.item.form === 'scalar') return;
    value.forEach((item, index) => checkValue(type.item, item, `${path}[${index}]`, errors));
  } else if (type.form === 'map' && isObject(value) && type.item.form !== 'scalar') {
    for (const [key, item] of Object.entries(value)) {
      checkValue(type.item, item, `${path}[${key}]`, errors);
    }
  }
}

function checkField(field: FieldPlan, value: unknown, path: string, errors: FieldError[]): void {
  if (isMissing(value, field.type)) {
    if (field.required) errors.push(required(path));
    else if (value === 0) checkConstraints(field, value, path, errors);
    return;
  }
  if (field.unsupported) {
    errors.push(forbidden(path, field.unsupported));
    return;
  }
  checkConstraints(field, value, path, errors);
  checkValue(field.type, value, path, errors);
}

function checkConstraints(
  field: FieldPlan,
  value: unknown,
  path: string,
  errors: FieldError[],
): void {
  for (const constraint of field.constraints) {
    const error = constraint(value, path);
    if (error) errors.push(error);
  }
}

/** Checks declared presence and constraints all the way down; expects decoded JSON. */
export function checkStruct(
  struct: Struct,
  object: object,
  path: string,
  errors: FieldError[],
): void {
  for (const field of planOf(struct).list) {
    const value = (object as JsonObject)[field.name];
    if (value === undefined && !field.required) continue;
    checkField(field, value, childPath(path, field.name), errors);
  }
}
