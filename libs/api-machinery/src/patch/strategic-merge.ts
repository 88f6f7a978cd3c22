import { badRequest } from '@gantry/base';
import { jsonEqual } from '../json-equal.js';
import type { FieldType, Struct } from '../schema/field.js';
import { childPath, isObject, planOf, type FieldPlan, type JsonObject } from '../schema/plan.js';
import { jsonMergePatch } from './json-merge.js';

const setOrder = '$setElementOrder/';
const deleteFrom = '$deleteFromPrimitiveList/';

function fail(path: string, why: string): never {
  throw badRequest(`strategic merge patch: ${path || 'object'}: ${why}`);
}

/** Keys of a patch that carry orders, not data. */
function isDirective(key: string): boolean {
  return key.startsWith('$');
}

function listOrders(patch: JsonObject, prefix: string): Map<string, unknown[]> {
  const orders = new Map<string, unknown[]>();
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(prefix) && Array.isArray(value)) orders.set(key.slice(prefix.length), value);
  }
  return orders;
}

/** Puts the items named in `order` into that order; the others stay behind their neighbours. */
function reorder(items: unknown[], order: unknown[], keyOf: (item: unknown) => unknown): unknown[] {
  const position = (item: unknown) =>
    order.findIndex((entry) => jsonEqual(keyOf(entry), keyOf(item)));
  const ordered = items
    .filter((item) => position(item) >= 0)
    .toSorted((a, b) => position(a) - position(b));
  const result: unknown[] = [];
  let next = 0;
  for (const item of items) {
    if (position(item) < 0) result.push(item);
    else result.push(ordered[next++]);
  }
  return result;
}

function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !(isObject(item) && item['$patch'] !== undefined))
      .map(withoutDirectives);
  }
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (!isDirective(key) && key !== '__proto__' && item !== null) {
      result[key] = withoutDirectives(item);
    }
  }
  return result;
}

class StrategicMerge {
  struct(
    struct: Struct,
    current: unknown,
    patch: JsonObject,
    path: string,
  ): JsonObject | undefined {
    const directive = patch['$patch'];
    if (directive === 'delete') return undefined;
    if (directive === 'replace') return withoutDirectives(patch) as JsonObject;
    if (directive !== undefined && directive !== 'merge')
      fail(path, `unknown $patch: ${JSON.stringify(directive)}`);
    const result: JsonObject = isObject(current) ? { ...current } : {};
    this.retainKeys(result, patch, path);
    const { fields } = planOf(struct);
    for (const [key, value] of Object.entries(patch)) {
      if (isDirective(key) || key === '__proto__') continue;
      const merged = this.field(fields.get(key), result[key], value, patch, childPath(path, key));
      if (merged === undefined) delete result[key];
      else result[key] = merged;
    }
    this.listDirectives(fields, result, patch);
    return result;
  }

  private retainKeys(result: JsonObject, patch: JsonObject, path: string): void {
    const retained = patch['$retainKeys'];
    if (retained === undefined) return;
    if (!Array.isArray(retained)) fail(path, '$retainKeys must be a list');
    for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key];
  }

  private field(
    field: FieldPlan | undefined,
    current: unknown,
    value: unknown,
    patch: JsonObject,
    path: string,
  ): unknown {
    if (value === null) return undefined;
    // What is not declared is merged plainly; strict decoding has its say afterwards.
    if (!field) return jsonMergePatch(current, value);
    const order = patch[setOrder + field.name];
    return this.value(field.type, current, value, path, Array.isArray(order) ? order : undefined);
  }

  private value(
    type: FieldType,
    current: unknown,
    value: unknown,
    path: string,
    order?: unknown[],
  ): unknown {
    if (type.form === 'struct' && isObject(value)) {
      return this.struct(type.struct(), current, value, path);
    }
    if (type.form === 'map' && isObject(value)) return this.map(type.item, current, value, path);
    if (type.form === 'list' && Array.isArray(value)) {
      return this.list(type, current, value, path, order);
    }
    if (type.form === 'scalar' && type.scalar === 'any') return jsonMergePatch(current, value);
    return value;
  }

  private map(item: FieldType, current: unknown, patch: JsonObject, path: string): unknown {
    if (patch['$patch'] === 'delete') return undefined;
    if (patch['$patch'] === 'replace') return withoutDirectives(patch);
    const result: JsonObject = isObject(current) ? { ...current } : {};
    for (const [key, value] of Object.entries(patch)) {
      if (isDirective(key) || key === '__proto__') continue;
      if (value === null) delete result[key];
      else result[key] = this.value(item, result[key], value, `${path}.${key}`);
    }
    return result;
  }

  private list(
    type: FieldType & { form: 'list' },
    current: unknown,
    patch: unknown[],
    path: string,
    order?: unknown[],
  ): unknown[] {
    const existing = Array.isArray(current) ? current : [];
    if (type.merge.set) {
      const added = patch.filter((item) => !existing.some((other) => jsonEqual(item, other)));
      return [...existing, ...added];
    }
    const { merge: key } = type.merge;
    if (key === undefined) return withoutDirectives(patch) as unknown[];
    if (patch.some((item) => isObject(item) && item['$patch'] === 'replace')) {
      return withoutDirectives(patch) as unknown[];
    }
    return this.keyedList(type, key, existing, patch, path, order);
  }

  /** Items merge by their key: known ones in place, new ones behind, deleted ones go. */
  private keyedList(
    type: FieldType & { form: 'list' },
    key: string,
    existing: readonly unknown[],
    patch: readonly unknown[],
    path: string,
    order?: unknown[],
  ): unknown[] {
    const keyOf = (item: unknown) => (isObject(item) ? item[key] : undefined);
    let result = [...existing];
    for (const [index, item] of patch.entries()) {
      if (!isObject(item)) fail(`${path}[${index}]`, 'an item of this list must be an object');
      const id = item[key];
      if (id === undefined)
        fail(`${path}[${index}]`, `does not contain declared merge key: ${key}`);
      if (item['$patch'] === 'delete') {
        result = result.filter((other) => !jsonEqual(keyOf(other), id));
        continue;
      }
      const at = result.findIndex((other) => jsonEqual(keyOf(other), id));
      const merged = this.value(
        type.item,
        at < 0 ? undefined : result[at],
        item,
        `${path}[${index}]`,
      );
      if (at < 0) result.push(merged);
      else result[at] = merged;
    }
    return order ? reorder(result, order, keyOf) : result;
  }

  /** Orders about lists that the patch gives without, or besides, the list itself. */
  private listDirectives(
    fields: ReadonlyMap<string, FieldPlan>,
    result: JsonObject,
    patch: JsonObject,
  ): void {
    for (const [name, gone] of listOrders(patch, deleteFrom)) {
      const current = result[name];
      if (!Array.isArray(current)) continue;
      result[name] = current.filter((item) => !gone.some((other) => jsonEqual(item, other)));
    }
    for (const [name, order] of listOrders(patch, setOrder)) {
      const current = result[name];
      const type = fields.get(name)?.type;
      if (!Array.isArray(current) || type?.form !== 'list') continue;
      const key = type.merge.merge;
      const keyOf = (item: unknown) => (key && isObject(item) ? item[key] : item);
      result[name] = reorder(current, order, keyOf);
    }
  }
}

/**
 * Applies Kubernetes' strategic merge patch along the struct's merge keys, with $patch, $retainKeys,
 * $setElementOrder and $deleteFromPrimitiveList. Returns a new object; BadRequest names the path.
 */
export function strategicMergePatch<T extends object>(
  struct: Struct<T>,
  current: T,
  patch: unknown,
): T {
  if (!isObject(patch)) throw badRequest('a strategic merge patch must be a JSON object');
  const result = new StrategicMerge().struct(struct, structuredClone(current), patch, '');
  return (result ?? {}) as T;
}
