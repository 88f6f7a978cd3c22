import type { ApiObject, FieldError, Kind } from '@gantry/api-machinery';
import { toCauses } from '@gantry/api-machinery';
import { type ErrorDetails, type GantryError, invalid } from '@gantry/base';

type Named = Pick<Kind, 'group' | 'kind' | 'plural'>;

/** Names a resource in errors by its plural, as Kubernetes does for all reasons but Invalid. */
export function detailsOf(kind: Named, name?: string): ErrorDetails {
  return { name, group: kind.group, kind: kind.plural };
}

/** 422 with one cause per faulty field. */
export function invalidObject(
  kind: Named,
  object: ApiObject,
  errors: readonly FieldError[],
): GantryError {
  const name = object.metadata.name ?? object.metadata.generateName ?? '';
  return invalid({ name, group: kind.group, kind: kind.kind, causes: toCauses(errors) });
}
