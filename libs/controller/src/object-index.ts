import type { ApiObject } from '@gantry/api-machinery';
import { objectKey } from './object-key.js';

export type IndexFunction<T> = (object: T) => readonly string[];

/** Keys of objects by a value. */
type Keys = Map<string, Set<string>>;

interface Index<T> {
  readonly valuesOf: IndexFunction<T>;
  /** Made when it is first asked for: until then objects come cheaper. */
  keys: Keys | undefined;
}

/** Objects by key, and by whatever values the index functions give them. */
export class ObjectIndex<T extends ApiObject> {
  private readonly objects = new Map<string, T>();
  private readonly indexes = new Map<string, Index<T>>();

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    for (const [name, valuesOf] of Object.entries(indexes)) this.addIndex(name, valuesOf);
  }

  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (this.indexes.has(name)) return;
    this.indexes.set(name, { valuesOf, keys: undefined });
  }

  get(key: string): T | undefined {
    return this.objects.get(key);
  }

  get size(): number {
    return this.objects.size;
  }

  values(): IterableIterator<T> {
    return this.objects.values();
  }

  all(): T[] {
    return [...this.objects.values()];
  }

  keys(): string[] {
    return [...this.objects.keys()];
  }

  find(name: string, value: string): T[] {
    const index = this.indexes.get(name);
    if (!index) throw new Error(`there is no index "${name}"`);
    const keys = index.keys ?? this.build(index);
    const found: T[] = [];
    for (const key of keys.get(value) ?? []) {
      const object = this.objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  private build(index: Index<T>): Keys {
    const keys: Keys = (index.keys = new Map());
    for (const [key, object] of this.objects) insert(keys, index.valuesOf(object), key);
    return keys;
  }

  /** Returns what was there before. */
  set(object: T): T | undefined {
    const key = objectKey(object);
    const previous = this.objects.get(key);
    this.objects.set(key, object);
    for (const { keys, valuesOf } of this.indexes.values()) {
      if (!keys) continue;
      const values = valuesOf(object);
      if (previous) {
        const before = valuesOf(previous);
        if (sameValues(before, values)) continue;
        remove(keys, before, key);
      }
      insert(keys, values, key);
    }
    return previous;
  }

  delete(key: string): T | undefined {
    const previous = this.objects.get(key);
    if (!previous) return undefined;
    this.objects.delete(key);
    for (const { keys, valuesOf } of this.indexes.values()) {
      if (keys) remove(keys, valuesOf(previous), key);
    }
    return previous;
  }
}

function sameValues(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function remove(index: Keys, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = index.get(value);
    keys?.delete(key);
    if (keys?.size === 0) index.delete(value);
  }
}

function insert(index: Keys, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = index.get(value);
    if (keys) keys.add(key);
    else index.set(value, new Set([key]));
  }
}
