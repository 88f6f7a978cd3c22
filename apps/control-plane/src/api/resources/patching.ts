import {
  type ApiObject,
  decode,
  jsonMergePatch,
  jsonPatch,
  type Kind,
  strategicMergePatch,
  type Struct,
} from '@gantry/api-machinery';
import { GantryError } from '@gantry/base';
import type { Patch, WriteOptions } from './options.js';

/** The outcome of a patch, undecoded. Without a schema, strategic patches merge as plain ones do. */
export function applyPatch(
  struct: Struct | undefined,
  current: object,
  { type, body }: Pick<Patch, 'type' | 'body'>,
): unknown {
  if (type === 'apply') {
    throw new GantryError(
      'UnsupportedMediaType',
      'server-side apply is not served here: apply the object itself',
    );
  }
  if (type === 'json') return jsonPatch(current, body);
  return type === 'strategic' && struct
    ? strategicMergePatch(struct, current, body)
    : jsonMergePatch(current, body);
}

/** The patched object, decoded as strictly as the request asked for. */
export function patched<T extends ApiObject>(
  kind: Kind<T>,
  current: T,
  patch: Patch,
  options: WriteOptions,
): T {
  const outcome = applyPatch(kind.type, current, patch) as object;
  const { fieldValidation = 'Strict' } = options;
  const { object, warnings } = decode(kind, outcome, { fieldValidation });
  for (const warning of warnings) options.onWarning?.(warning);
  return object;
}
