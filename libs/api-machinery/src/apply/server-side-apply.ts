import { badRequest, GantryError, type Cause } from '@gantry/base';
import { apiVersionOf, type Kind } from '../kind.js';
import type { ManagedFieldsEntry } from '../meta/managed-fields.js';
import type { ApiObject } from '../meta/object-meta.js';
import type { FieldType } from '../schema/field.js';
import {
  difference,
  intersection,
  isEmptySet,
  pathsOf,
  union,
  type FieldSet,
} from './field-set.js';
import { inherited } from './last-applied.js';
import { changedFields, fieldSetOf, mergeTyped, withoutFields } from './typed-fields.js';

export interface ManagerOptions {
  /** Who writes: fieldManager, or the product of the user agent. */
  readonly manager: string;
  /** `status` for writes through that subresource. */
  readonly subresource?: string;
  /** RFC 3339. */
  readonly time: string;
}

export interface ServerSideApplyOptions extends ManagerOptions {
  /** Take fields over that others own with another value. */
  readonly force?: boolean;
}

// Identity (with apiVersion and kind) and what the server keeps belongs to no manager.
const unownedMetadata = new Set(
  ['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'generateName', 'selfLink']
    .concat('creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'managedFields')
    .map((name) => `f:${name}`),
);

const typeOf = (kind: Kind): FieldType => ({ form: 'struct', struct: () => kind.type });

/** What a write through the subresource can own: the status, or everything else. */
function ownable(set: FieldSet, subresource: string | undefined): FieldSet {
  const { 'f:status': status, 'f:apiVersion': _v, 'f:kind': _k, ...rest } = set;
  if (subresource === 'status') return status ? { 'f:status': status } : {};
  const { 'f:metadata': metadata } = set;
  if (!metadata || isEmptySet(metadata)) return rest;
  const owned = Object.entries(metadata).filter(([name]) => !unownedMetadata.has(name));
  if (owned.length > 0) return { ...rest, 'f:metadata': Object.fromEntries(owned) };
  delete rest['f:metadata'];
  return rest;
}

function isOwn(entry: ManagedFieldsEntry, operation: string, options: ManagerOptions): boolean {
  return (
    entry.manager === options.manager &&
    entry.operation === operation &&
    (entry.subresource ?? '') === (options.subresource ?? '')
  );
}

function entryOf(
  kind: Kind,
  operation: 'Apply' | 'Update',
  options: ManagerOptions,
  fieldsV1: FieldSet,
): ManagedFieldsEntry {
  return {
    manager: options.manager,
    operation,
    apiVersion: apiVersionOf(kind),
    time: options.time,
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(options.subresource && { subresource: options.subresource }),
  };
}

/** Entries with the given fields taken from them; those that are left with none go. */
function without(entries: readonly ManagedFieldsEntry[], fields: FieldSet): ManagedFieldsEntry[] {
  return entries
    .map((entry) => ({ ...entry, fieldsV1: difference(entry.fieldsV1 ?? {}, fields) }))
    .filter(({ fieldsV1 }) => !isEmptySet(fieldsV1));
}

function setManagedFields(object: ApiObject, entries: readonly ManagedFieldsEntry[]): void {
  if (entries.length > 0) object.metadata.managedFields = [...entries];
  else delete object.metadata.managedFields;
}

/**
 * Records in `next` who owns what after an ordinary write: what it changed belongs to its manager alone,
 * what it removed to nobody. Managed fields that the client sent are not trusted.
 */
export function trackUpdate<T extends ApiObject>(
  kind: Kind<T>,
  old: T | undefined,
  next: T,
  options: ManagerOptions,
): void {
  const type = typeOf(kind);
  if (!old) {
    const all = ownable(fieldSetOf(type, next), options.subresource);
    const entries = isEmptySet(all) ? [] : [entryOf(kind, 'Update', options, all)];
    return setManagedFields(next, entries);
  }
  const changed = ownable(changedFields(type, old, next), options.subresource);
  const removed = difference(fieldSetOf(type, old), fieldSetOf(type, next));
  const before = old.metadata.managedFields ?? [];
  const own = before.find((entry) => isOwn(entry, 'Update', options));
  const others = without(
    before.filter((entry) => entry !== own),
    union(changed, removed),
  );
  const kept = own ? difference(own.fieldsV1 ?? {}, removed) : {};
  const fields = union(kept, changed);
  if (isEmptySet(fields)) return setManagedFields(next, others);
  const time = own && isEmptySet(changed) ? (own.time ?? options.time) : options.time;
  setManagedFields(next, [...others, entryOf(kind, 'Update', { ...options, time }, fields)]);
}

function conflictError(
  conflicts: readonly { entry: ManagedFieldsEntry; paths: string[] }[],
): GantryError {
  const causes: Cause[] = [];
  const parts: string[] = [];
  for (const { entry, paths } of conflicts) {
    const who = `"${entry.manager}" using ${entry.apiVersion}`;
    for (const field of paths) {
      causes.push({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field });
    }
    if (paths.length === 1) parts.push(`conflict with ${who}: ${paths[0]}`);
    else parts.push(`conflicts with ${who}:\n${paths.map((path) => `- ${path}`).join('\n')}`);
  }
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  return new GantryError('Conflict', `Apply failed with ${count}: ${parts.join('\n')}`, { causes });
}

function conflictsWith(
  entries: readonly ManagedFieldsEntry[],
  changed: FieldSet,
): { entry: ManagedFieldsEntry; paths: string[] }[] {
  return entries
    .map((entry) => ({ entry, paths: pathsOf(intersection(entry.fieldsV1 ?? {}, changed)) }))
    .filter(({ paths }) => paths.length > 0);
}

/**
 * Server-side apply: `live` (undefined: it does not exist yet) with what `applied` says. Fields that this
 * manager applied before and no longer does go, unless others own them. Conflict names every field that
 * another manager owns with another value, unless `force`. Returns a new object.
 */
export function serverSideApply<T extends ApiObject>(
  kind: Kind<T>,
  live: T | undefined,
  applied: T,
  options: ServerSideApplyOptions,
): T {
  if (applied.metadata.managedFields?.length) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const type = typeOf(kind);
  const entries = live?.metadata.managedFields ?? [];
  const own = entries.find((entry) => isOwn(entry, 'Apply', options));
  const others = entries.filter((entry) => entry !== own);
  const fields = ownable(fieldSetOf(type, applied), options.subresource);
  const merged = structuredClone(mergeTyped(type, live ?? {}, applied)) as T;
  const changed = intersection(changedFields(type, live, merged), fields);
  const contested = difference(changed, inherited(type, live, options.manager));
  const conflicts = conflictsWith(others, contested);
  if (conflicts.length > 0 && !options.force) throw conflictError(conflicts);
  const owned = others.reduce((all, entry) => union(all, entry.fieldsV1 ?? {}), {} as FieldSet);
  const dropped = difference(difference(own?.fieldsV1 ?? {}, fields), owned);
  const result = withoutFields(type, merged, dropped) as T;
  result.metadata = { ...result.metadata };
  const same = own && isEmptySet(changed) && isEmptySet(dropped);
  const entry = entryOf(
    kind,
    'Apply',
    same ? { ...options, time: own.time ?? options.time } : options,
    fields,
  );
  setManagedFields(result, [...without(others, changed), entry]);
  return result;
}
