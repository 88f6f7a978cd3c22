import { isObject, type JsonObject } from '../schema/plan.js';

/**
 * Applies a JSON merge patch (RFC 7386): null deletes, objects merge, all else replaces. Returns a
 * new value; neither argument is changed.
 */
export function jsonMergePatch(current: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return structuredClone(patch);
  const result: JsonObject = isObject(current) ? { ...current } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key === '__proto__') continue;
    if (value === null) delete result[key];
    else result[key] = jsonMergePatch(result[key], value);
  }
  return result;
}
