import { IsDefined, IsOptional } from './constraints.js';

/** A class whose properties carry {@link Field} declarations; never instantiated for data at rest. */
export type Struct<T = object> = new () => T;

/**
 * Scalars by their wire form. `quantity` is a canonical string such as `250m`, `time` RFC 3339 in
 * seconds, `microTime` in microseconds, `bytes` base64, `any` whatever JSON holds.
 */
export type ScalarType =
  | 'string'
  | 'int32'
  | 'int64'
  | 'double'
  | 'boolean'
  | 'quantity'
  | 'time'
  | 'microTime'
  | 'bytes'
  | 'intOrString'
  | 'any';

/** How lists are merged: by the patch's merge key and, for apply, by the list's map keys. */
export interface ListMerge {
  /** Merge key of strategic merge patch; without it the list is replaced as a whole. */
  readonly merge?: string;
  /** Keys that identify an item for server-side apply; default: the merge key alone. */
  readonly keys?: readonly string[];
  /** Items are scalars that occur once, merged as a set. */
  readonly set?: boolean;
  /** The item that is merged keeps only the fields the patch names ($retainKeys). */
  readonly retainKeys?: boolean;
}

export type FieldType =
  | { readonly form: 'scalar'; readonly scalar: ScalarType }
  | { readonly form: 'struct'; readonly struct: () => Struct }
  | { readonly form: 'list'; readonly item: FieldType; readonly merge: ListMerge }
  | { readonly form: 'map'; readonly item: FieldType };

/** What is written in declarations: a scalar's name, a thunk of a class, or list/map of those. */
export type TypeLike = ScalarType | FieldType | (() => Struct);

export interface FieldOptions {
  /** Must be present; an empty string, list or object counts as missing, as in Kubernetes. */
  readonly required?: boolean;
  /** Filled in when the field is absent from an object that is written. */
  readonly default?: string | number | boolean | (() => unknown);
  /** The patch of this struct keeps only the fields it names (patchStrategy retainKeys). */
  readonly retainKeys?: boolean;
  /** Known to Kubernetes but not served here: refused with this sentence when set. */
  readonly unsupported?: string;
}

/** One declared property of a struct. */
export interface FieldDeclaration extends FieldOptions {
  readonly name: string;
  readonly type: FieldType;
  readonly description: string;
}

const declarations = new WeakMap<object, Map<string, FieldDeclaration>>();

function toType(like: TypeLike): FieldType {
  if (typeof like === 'string') return { form: 'scalar', scalar: like };
  if (typeof like === 'function') return { form: 'struct', struct: like };
  return like;
}

/** A list of `item`; `merge` says how patches and apply treat it (default: atomic). */
export function list(item: TypeLike, merge: ListMerge = {}): FieldType {
  return { form: 'list', item: toType(item), merge };
}

/** A string-keyed map of `item`. */
export function map(item: TypeLike): FieldType {
  return { form: 'map', item: toType(item) };
}

/** Declares a property: its wire type, what `explain` says of it, and whether it must be there. */
export function Field(
  type: TypeLike,
  description: string,
  options: FieldOptions = {},
): PropertyDecorator {
  return (prototype, key) => {
    const name = String(key);
    const own = declarations.get(prototype) ?? new Map<string, FieldDeclaration>();
    own.set(name, { ...options, name, type: toType(type), description });
    declarations.set(prototype, own);
    (options.required ? IsDefined() : IsOptional())(prototype, key);
  };
}

const descriptions = new WeakMap<Struct, string>();

/** The sentence that `explain` and OpenAPI show for the whole struct. */
export function Describe(description: string): ClassDecorator {
  return (target) => {
    descriptions.set(target as unknown as Struct, description);
  };
}

export function describeStruct(struct: Struct): string {
  return descriptions.get(struct) ?? '';
}

/** All declared fields of a struct, inherited ones first, in the order of their declaration. */
export function fieldsOf(struct: Struct): ReadonlyMap<string, FieldDeclaration> {
  const chain: Map<string, FieldDeclaration>[] = [];
  let prototype: object | null = struct.prototype;
  while (prototype && prototype !== Object.prototype) {
    const own = declarations.get(prototype);
    if (own) chain.unshift(own);
    prototype = Object.getPrototypeOf(prototype);
  }
  return new Map(chain.flatMap((own) => [...own]));
}
