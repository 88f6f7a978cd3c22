import { jsonEqual } from '../json-equal.js';
import type { FieldType, Struct } from '../schema/field.js';
import { isObject, planOf, type FieldPlan, type JsonObject } from '../schema/plan.js';
import { decodeScalar } from '../schema/scalars.js';

/** The three states: what was applied last, what is wanted now, what the server has. */
interface Sides {
  readonly original: unknown;
  readonly modified: unknown;
  readonly current: unknown;
}

function canonical(type: FieldType, value: unknown): unknown {
  if (type.form === 'scalar') {
    const result = decodeScalar(type.scalar, value);
    return 'value' in result ? result.value : value;
  }
  if (type.form === 'list' && Array.isArray(value))
    return value.map((v) => canonical(type.item, v));
  return value;
}

const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const keyed = (items: unknown[], key: string, id: unknown): JsonObject | undefined =>
  items.find((item): item is JsonObject => isObject(item) && jsonEqual(item[key], id));

function diffObject(
  sides: Sides,
  typeOf: (name: string) => FieldPlan | FieldType | undefined,
): JsonObject {
  const [original, modified, current] = [sides.original, sides.modified, sides.current].map(
    asObject,
  );
  const patch: JsonObject = {};
  for (const name of Object.keys(original ?? {})) {
    const gone = modified?.[name] === undefined || modified[name] === null;
    if (gone && current?.[name] !== undefined) patch[name] = null;
  }
  for (const [name, value] of Object.entries(modified ?? {})) {
    if (value === null || value === undefined) continue;
    const field = typeOf(name);
    const inner = { original: original?.[name], modified: value, current: current?.[name] };
    Object.assign(patch, diffField(name, field, inner));
  }
  return patch;
}

/** The part of the patch that one field asks for: itself and the orders about it. */
function diffField(
  name: string,
  field: FieldPlan | FieldType | undefined,
  sides: Sides,
): JsonObject {
  const type = field && ('type' in field ? field.type : field);
  const { modified, current } = sides;
  if (!type) return jsonEqual(modified, current) ? {} : { [name]: diffPlain(sides) };
  if (current === undefined) return { [name]: modified };
  if (type.form === 'list') return diffList(name, type, sides);
  if (type.form === 'struct' || type.form === 'map') {
    const inner =
      type.form === 'struct'
        ? diffStruct(type.struct(), sides)
        : diffObject(sides, () => type.item);
    if (Object.keys(inner).length === 0) return {};
    const retain = field && 'retainKeys' in field && field.retainKeys;
    return {
      [name]: retain
        ? { $retainKeys: Object.keys(asObject(modified)).toSorted(), ...inner }
        : inner,
    };
  }
  return jsonEqual(canonical(type, modified), current) ? {} : { [name]: modified };
}

/** Undeclared fields merge as in a JSON merge patch; the server judges them. */
function diffPlain(sides: Sides): unknown {
  if (!isObject(sides.modified) || !isObject(sides.current)) return sides.modified;
  return diffObject(sides, () => undefined);
}

function diffStruct(struct: Struct, sides: Sides): JsonObject {
  const { fields } = planOf(struct);
  return diffObject(sides, (name) => fields.get(name));
}

function diffSet(name: string, sides: Sides): JsonObject {
  const [original, modified, current] = [sides.original, sides.modified, sides.current].map(asList);
  const has = (items: unknown[] = [], item: unknown) =>
    items.some((other) => jsonEqual(item, other));
  const added = modified?.filter((item) => !has(current, item)) ?? [];
  const gone = original?.filter((item) => !has(modified, item) && has(current, item)) ?? [];
  return {
    ...(added.length > 0 && { [name]: added }),
    ...(gone.length > 0 && { [`$deleteFromPrimitiveList/${name}`]: gone }),
  };
}

function diffList(name: string, type: FieldType & { form: 'list' }, sides: Sides): JsonObject {
  const { merge: key, set, retainKeys } = type.merge;
  if (set) return diffSet(name, sides);
  if (key === undefined) {
    return jsonEqual(canonical(type, sides.modified), sides.current)
      ? {}
      : { [name]: sides.modified };
  }
  const [original = [], modified = [], current = []] = [
    sides.original,
    sides.modified,
    sides.current,
  ].map(asList);
  const items: JsonObject[] = [];
  for (const item of modified) {
    const patch = diffItem(type.item, key, { original, modified: item, current }, retainKeys);
    if (patch) items.push(patch);
  }
  for (const item of original) {
    const id = asObject(item)[key];
    if (id === undefined || keyed(modified, key, id) || !keyed(current, key, id)) continue;
    items.push({ $patch: 'delete', [key]: id });
  }
  const order = modified.map((item) => ({ [key]: asObject(item)[key] }));
  const held = order.map(({ [key]: id }) =>
    current.findIndex((c) => jsonEqual(asObject(c)[key], id)),
  );
  const inOrder = held.every((at, index) => at > (held[index - 1] ?? -1));
  if (items.length === 0 && inOrder) return {};
  return { [`$setElementOrder/${name}`]: order, ...(items.length > 0 && { [name]: items }) };
}

function diffItem(
  type: FieldType,
  key: string,
  sides: { original: unknown[]; modified: unknown; current: unknown[] },
  retainKeys = false,
): JsonObject | undefined {
  const modified = asObject(sides.modified);
  const id = modified[key];
  const current = keyed(sides.current, key, id);
  if (!current) return modified;
  const inner = { original: keyed(sides.original, key, id), modified, current };
  const patch =
    type.form === 'struct' ? diffStruct(type.struct(), inner) : diffObject(inner, () => undefined);
  if (Object.keys(patch).length === 0) return undefined;
  const retained = retainKeys ? { $retainKeys: Object.keys(modified).toSorted() } : {};
  return { ...retained, ...patch, [key]: id };
}

/**
 * The strategic merge patch that brings `current` to what `modified` says: what is new or different in
 * `modified`, without what only `original` had. Fields that others set stay. Empty: nothing to do.
 */
export function threeWayStrategicPatch(
  struct: Struct,
  original: object | undefined,
  modified: object,
  current: object,
): JsonObject {
  return diffStruct(struct, { original, modified, current });
}

/** The same as a JSON merge patch, for kinds without a declaration. */
export function threeWayMergePatch(
  original: object | undefined,
  modified: object,
  current: object,
): JsonObject {
  return diffObject({ original, modified, current }, () => undefined);
}
