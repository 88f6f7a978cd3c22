import type { FieldError } from './field-error.js';
import type { ApiObject } from './meta/object-meta.js';
import type { TableColumnDefinition } from './meta/table.js';
import type { Struct } from './schema/field.js';

/** One column of the Table of a kind; `value` gets the time so that ages are right and testable. */
export interface Column<T> extends TableColumnDefinition {
  value(object: T, nowMs: number): string | number | boolean;
}

/**
 * Reads a field as text. Written as a method's type because methods are compared bivariantly, which
 * lets a `Kind<Pod>` stand where a `Kind` is wanted.
 */
export type FieldGetter<T> = { get(object: T): string }['get'];

export interface Subresources {
  readonly status?: true;
  readonly scale?: true;
}

/**
 * What is served under a group and version: its names, its schema and the rules of its writes.
 * Every kind is a `Kind<ApiObject>` too, so that one registry carries them all.
 */
export interface Kind<T extends ApiObject = ApiObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly type: Struct<T>;
  readonly subresources: Subresources;
  readonly columns: readonly Column<T>[];
  /** Fields that field selectors may name besides metadata.name and metadata.namespace. */
  readonly selectableFields: Readonly<Record<string, FieldGetter<T>>>;
  /** Fills in absent fields, in place. */
  setDefaults(object: T): void;
  /** All faults of the object; with `old` also of the change. Expects a decoded, defaulted object. */
  validate(object: T, old?: T): FieldError[];
  /** Faults of a write to the status subresource. */
  validateStatus(object: T, old: T): FieldError[];
  /** Clears what a creator may not set (status), sets generation 1, in place. */
  prepareForCreate(object: T): void;
  /** Keeps what an update may not change (status, uid …) and raises generation when spec changed. */
  prepareForUpdate(object: T, old: T): void;
  /** Takes only status from the new object, everything else from the old one, in place. */
  prepareForStatusUpdate(object: T, old: T): void;
}

/** `v1`, `apps/v1`. */
export function apiVersionOf(kind: Pick<Kind, 'group' | 'version'>): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version;
}
