import type { ApiObject } from '../meta/object-meta.js';
import type { FieldType } from '../schema/field.js';
import { isObject } from '../schema/plan.js';
import { difference, type FieldSet } from './field-set.js';
import { changedFields, fieldSetOf } from './typed-fields.js';

/** Where client-side apply keeps what it last sent, as JSON. */
const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** The manager of `kubectl apply --server-side`, the only one that inherits from client-side apply. */
const heir = 'kubectl';

/**
 * The fields that `manager` may take over without force: those which client-side apply set and which
 * still have its value, so that an object can move to server-side apply (Kubernetes, "Server-Side Apply":
 * upgrading from client-side apply). An annotation that is no JSON object inherits nothing.
 */
export function inherited(type: FieldType, live: ApiObject | undefined, manager: string): FieldSet {
  const text = live?.metadata.annotations?.[annotation];
  if (manager !== heir || text === undefined) return {};
  const last = parsed(text);
  return difference(fieldSetOf(type, last), changedFields(type, live, last));
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
