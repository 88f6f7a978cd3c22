import type { FieldType, Struct } from './field.js';
import { isObject, planOf, type JsonObject } from './plan.js';

function fillValue(type: FieldType, value: unknown): void {
  if (type.form === 'struct' && isObject(value)) fillDefaults(type.struct(), value);
  else if (type.form === 'list' && type.item.form !== 'scalar' && Array.isArray(value)) {
    for (const item of value) fillValue(type.item, item);
  } else if (type.form === 'map' && type.item.form !== 'scalar' && isObject(value)) {
    for (const item of Object.values(value)) fillValue(type.item, item);
  }
}

/** Fills in the declared defaults of absent fields, in place and all the way down. */
export function fillDefaults(struct: Struct, object: object): void {
  const target = object as JsonObject;
  for (const field of planOf(struct).list) {
    if (target[field.name] === undefined && field.default !== undefined) {
      const { default: value } = field;
      target[field.name] = typeof value === 'function' ? value() : value;
    }
    if (field.type.form !== 'scalar') fillValue(field.type, target[field.name]);
  }
}
