import { jsonEqual } from '../json-equal.js';
import type { FieldType } from '../schema/field.js';
import { isObject, planOf, structOf, type JsonObject } from '../schema/plan.js';
import type { FieldSet } from './field-set.js';

type ListType = FieldType & { form: 'list' };

/** The keys by which items of a list are told apart; undefined for sets and atomic lists. */
function listKeys({ merge }: ListType): readonly string[] | undefined {
  return merge.keys ?? (merge.merge === undefined ? undefined : [merge.merge]);
}

/** `k:{"containerPort":80,"protocol":"TCP"}`; a key that is absent counts with its default. */
function itemElement(type: ListType, item: unknown): string {
  if (type.merge.set) return `v:${JSON.stringify(item)}`;
  const pairs = keysOf(type).map(([key, standard]) => {
    const value = isObject(item) ? item[key] : undefined;
    return [key, value ?? standard];
  });
  return `k:${JSON.stringify(Object.fromEntries(pairs))}`;
}

type ListKeys = readonly (readonly [key: string, standard: unknown])[];

const knownKeys = new WeakMap<ListType, ListKeys>();

/** The keys of a list's items in order, with their defaults. */
function keysOf(type: ListType): ListKeys {
  const known = knownKeys.get(type);
  if (known) return known;
  const struct = structOf(type.item);
  const fields = struct ? planOf(struct).fields : undefined;
  const keys = (listKeys(type) ?? []).toSorted().map((key) => {
    const standard = fields?.get(key)?.default;
    return [key, typeof standard === 'function' ? undefined : standard] as const;
  });
  knownKeys.set(type, keys);
  return keys;
}

/** The children of a value by path element, with their types; undefined for what is atomic. */
function partsOf(type: FieldType, value: unknown): Map<string, [FieldType, unknown]> | undefined {
  if (type.form === 'struct' && isObject(value)) {
    const { fields } = planOf(type.struct());
    const known = Object.entries(value).filter(([name, part]) => fields.has(name) && part != null);
    return new Map(known.map(([name, part]) => [`f:${name}`, [fields.get(name)!.type, part]]));
  }
  if (type.form === 'map' && isObject(value)) {
    return new Map(Object.entries(value).map(([key, part]) => [`f:${key}`, [type.item, part]]));
  }
  if (type.form !== 'list' || !Array.isArray(value)) return undefined;
  if (!type.merge.set && !listKeys(type)) return undefined;
  return new Map(value.map((item) => [itemElement(type, item), [type.item, item]]));
}

/** The set of all fields that the value sets. */
export function fieldSetOf(type: FieldType, value: unknown): FieldSet {
  const set: FieldSet = {};
  // As `partsOf` has it, but without its maps: every object that is created passes here as a whole.
  if (type.form === 'struct' && isObject(value)) {
    const { fields } = planOf(type.struct());
    for (const name of Object.keys(value)) {
      const field = value[name] == null ? undefined : fields.get(name);
      if (field) set[field.element] = fieldSetOf(field.type, value[name]);
    }
  } else if (type.form === 'map' && isObject(value)) {
    for (const key of Object.keys(value)) set[`f:${key}`] = fieldSetOf(type.item, value[key]);
  } else if (type.form === 'list') {
    for (const [element, [partType, part]] of partsOf(type, value) ?? []) {
      const inner = fieldSetOf(partType, part);
      set[element] = element.startsWith('k:') ? { '.': {}, ...inner } : inner;
    }
  }
  return set;
}

/** The fields of `next` that are new or differ from `old`. */
export function changedFields(type: FieldType, old: unknown, next: unknown): FieldSet {
  const before = partsOf(type, old);
  const set: FieldSet = {};
  for (const [element, [partType, part]] of partsOf(type, next) ?? []) {
    const known = before?.get(element);
    if (!known) {
      const inner = fieldSetOf(partType, part);
      set[element] = element.startsWith('k:') ? { '.': {}, ...inner } : inner;
    } else if (!jsonEqual(known[1], part)) {
      const inner = changedFields(partType, known[1], part);
      // Atomic values differ as a whole; of the others only the differing parts count.
      if (!partsOf(partType, part) || Object.keys(inner).length > 0) set[element] = inner;
    }
  }
  return set;
}

/** `live` with all that `applied` sets; what only `live` has stays. */
export function mergeTyped(type: FieldType, live: unknown, applied: unknown): unknown {
  if (type.form === 'list') return mergeLists(type, live, applied);
  if (type.form === 'scalar' || !isObject(live) || !isObject(applied)) return applied;
  const fields = type.form === 'struct' ? planOf(type.struct()).fields : undefined;
  const result: JsonObject = { ...live };
  for (const [name, value] of Object.entries(applied)) {
    const inner = type.form === 'map' ? type.item : fields?.get(name)?.type;
    if (value != null) result[name] = inner ? mergeTyped(inner, result[name], value) : value;
  }
  return result;
}

/** Known items keep their place, new ones follow in the order of the manifest. */
function mergeLists(type: ListType, live: unknown, applied: unknown): unknown {
  const parts = partsOf(type, applied);
  if (!parts || !Array.isArray(live)) return applied;
  const result = live.map((item) => {
    const element = itemElement(type, item);
    const part = parts.get(element);
    parts.delete(element);
    return part ? mergeTyped(type.item, item, part[1]) : (item as unknown);
  });
  return [...result, ...[...parts.values()].map(([, item]) => item)];
}

/** The value without the fields of the set; objects that become empty by it go too. */
export function withoutFields(type: FieldType, value: unknown, gone: FieldSet): unknown {
  if (type.form === 'list' && Array.isArray(value)) {
    return value.flatMap((item) => {
      const inner = gone[itemElement(type, item)];
      if (!inner) return [item as unknown];
      const whole = '.' in inner || Object.keys(inner).length === 0;
      return whole ? [] : [withoutFields(type.item, item, inner)];
    });
  }
  if (!isObject(value)) return value;
  const fields = type.form === 'struct' ? planOf(type.struct()).fields : undefined;
  const result: JsonObject = { ...value };
  for (const [element, inner] of Object.entries(gone)) {
    const name = element.slice(2);
    const innerType = type.form === 'map' ? type.item : fields?.get(name)?.type;
    if (!innerType || result[name] === undefined) continue;
    const left =
      Object.keys(inner).length === 0 ? undefined : withoutFields(innerType, result[name], inner);
    const isEmpty = left === undefined || Object.keys(left as object).length === 0;
    if (isEmpty) delete result[name];
    else result[name] = left;
  }
  return result;
}
