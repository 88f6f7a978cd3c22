import { type ApiObject, jsonEqual, type Kind } from '@gantry/api-machinery';
import {
  alreadyExists,
  Backoff,
  conflict,
  delay,
  notFound,
  systemClock,
  timestamp,
  unavailable,
  type Clock,
} from '@gantry/base';
import type {
  LeaseId,
  Operation,
  Precondition,
  Revision,
  Store,
  TransactionResult,
} from '@gantry/store';
import { Codec } from './codec.js';
import type { ObjectEvent, ObjectOperation, WatchOptions } from './object-events.js';
import { details, failureOf, parseRevision, refuseOther, withMetadata } from './object-errors.js';
import { storeKey, storePrefix } from './object-key.js';
import { type ListOptions, ObjectLists, type ObjectPage } from './object-lists.js';
import type { ValueTransform } from './value-transform.js';

/** How often a read-modify-write is tried when others write the same object. */
const maxAttempts = 8;

/** Keys beside the objects of a transaction. */
export interface Beside {
  readonly guards?: readonly Precondition[];
  readonly operations?: readonly Operation[];
}

export interface ObjectStoreOptions {
  readonly clock?: Clock;
  /** How values of a kind are sealed, by `PLURAL` or `PLURAL.GROUP`. */
  readonly transforms?: ReadonlyMap<string, ValueTransform>;
  /** The lease on which objects of a kind are written, for kinds that go by themselves. */
  readonly leaseOf?: (kind: Kind) => Promise<LeaseId> | undefined;
  /** What the whole shared lists of a kind wait for, if for anything: those of caches, which can be long. */
  readonly turn?: (kind: Kind) => Promise<void> | undefined;
}

/**
 * Typed objects over a Store. Objects that come out belong to the caller, but for those of a watch;
 * objects that go in are not changed. metadata.resourceVersion is the store's revision and guards each update.
 */
export class ObjectStore {
  private readonly codec: Codec;
  private readonly lists: ObjectLists;
  private readonly clock: Clock;
  private fence: (() => Precondition | undefined) | undefined;

  constructor(
    readonly store: Store,
    private readonly options: ObjectStoreOptions = {},
  ) {
    this.codec = new Codec(options.transforms ?? new Map());
    this.lists = new ObjectLists(store, this.codec);
    this.clock = options.clock ?? systemClock;
  }

  /**
   * The same objects, but every write holds only while the precondition does: a leader's fence, so
   * that nothing it writes lands after another took over (ServiceUnavailable then).
   */
  fenced(fence: () => Precondition | undefined): ObjectStore {
    const fenced = new ObjectStore(this.store, this.options);
    fenced.fence = fence;
    return fenced;
  }

  async get<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
  ): Promise<T | undefined> {
    const entry = await this.store.get(storeKey(kind, namespace, name));
    return entry && this.codec.decode(kind, entry);
  }

  /** One page, or all pages read at one revision when there is no limit. */
  async list<T extends ApiObject>(
    kind: Kind<T>,
    options: ListOptions = {},
  ): Promise<ObjectPage<T>> {
    if (options.shared && options.limit === undefined) await this.options.turn?.(kind);
    return this.lists.list(kind, options);
  }

  /** Gives uid and creationTimestamp (unless the object has them); AlreadyExists. */
  async create<T extends ApiObject>(kind: Kind<T>, object: T): Promise<T> {
    const created = await this.createBeside(kind, object, []);
    if (!created) throw new Error('a transaction without further guards was refused by one');
    return created;
  }

  /**
   * As create, if these objects still have the resourceVersions that they come with; undefined, and nothing is
   * written, when one of them has not. `text` is the object's JSON, if the caller has it; it then has a uid and a
   * creationTimestamp.
   */
  async createBeside<T extends ApiObject>(
    kind: Kind<T>,
    object: T,
    beside: readonly { readonly kind: Kind; readonly object: ApiObject }[],
    text?: string,
  ): Promise<T | undefined> {
    const born = this.born(object);
    const key = this.codec.keyOf(kind, born);
    const value = this.codec.encode(kind, born, text);
    const own = { key, modRevision: 0n };
    const put = await this.put(kind, key, value);
    const result = await this.write([own, ...this.guards(beside)], [put]);
    if (result.committed) return withRevision(born, result.revision);
    if (result.failed[0]) throw alreadyExists(details(kind, born.metadata.name));
    return undefined;
  }

  /**
   * As createBeside, for objects that are `model` but for these names: all of them at one revision or none.
   * AlreadyExists names the first that is taken.
   */
  async createCopies<T extends ApiObject>(
    kind: Kind<T>,
    model: T,
    names: readonly string[],
    beside: readonly { readonly kind: Kind; readonly object: ApiObject }[],
  ): Promise<T[] | undefined> {
    const copies = names.map((name) => this.born(withMetadata(model, { name })));
    const values = this.codec.encodeCopies(kind, model, copies);
    const operations = copies.map((copy, i): Operation => {
      return { type: 'put', key: this.codec.keyOf(kind, copy), value: values[i]! };
    });
    const free = operations.map(({ key }) => ({ key, modRevision: 0n }));
    const result = await this.write([...free, ...this.guards(beside)], operations);
    if (result.committed) return copies.map((copy) => withRevision(copy, result.revision));
    const taken = names.findIndex((_, i) => result.failed[i] !== undefined);
    if (taken >= 0) throw alreadyExists(details(kind, names[taken]));
    return undefined;
  }

  private guards(
    beside: readonly { readonly kind: Kind; readonly object: ApiObject }[],
  ): Precondition[] {
    return beside.map(({ kind, object }) => ({
      key: this.codec.keyOf(kind, object),
      modRevision: parseRevision(object.metadata.resourceVersion ?? ''),
    }));
  }

  /**
   * Replaces an object whose metadata.resourceVersion is still current (Conflict otherwise);
   * without one, whatever is there. NotFound when there is nothing.
   */
  async update<T extends ApiObject>(kind: Kind<T>, object: T): Promise<T> {
    const { namespace, name = '', resourceVersion } = object.metadata;
    if (!resourceVersion) return this.mutate(kind, namespace, name, () => object);
    const updated = await this.replace(kind, object, parseRevision(resourceVersion));
    if (updated.object) return updated.object;
    if (updated.found) throw conflict(details(kind, name));
    throw notFound(details(kind, name));
  }

  /**
   * Reads, changes and writes, again after a conflict. `change` gets a copy that it may edit and
   * return; undefined, or what is the same, is not written. NotFound; Conflict after eight races.
   */
  async mutate<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    change: (current: T) => T | undefined | Promise<T | undefined>,
  ): Promise<T> {
    const backoff = new Backoff({ baseMs: 1, maxMs: 50, jitter: 1 });
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const entry = await this.store.get(storeKey(kind, namespace, name));
      if (!entry) throw notFound(details(kind, name));
      const current = this.codec.decode(kind, entry);
      const next = await change(this.codec.decode(kind, entry));
      if (next === undefined || isSame(current, next)) return current;
      const updated = await this.replace(kind, next, entry.modRevision);
      if (updated.object) return updated.object;
      await delay(this.clock, backoff.next());
    }
    throw conflict(details(kind, name), `others changed it ${maxAttempts} times in a row`);
  }

  /**
   * Removes the object for good and returns its last state; NotFound, or Conflict when it is not
   * the one meant.
   */
  async remove<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    preconditions: { uid?: string; resourceVersion?: string } = {},
  ): Promise<T> {
    const key = storeKey(kind, namespace, name);
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const entry = await this.store.get(key);
      if (!entry) throw notFound(details(kind, name));
      const current = this.codec.decode(kind, entry);
      refuseOther(kind, current, preconditions);
      const result = await this.write(
        [{ key, modRevision: entry.modRevision }],
        [{ type: 'delete', key }],
      );
      if (result.committed) return withRevision(current, result.revision);
    }
    throw conflict(details(kind, name), `others changed it ${maxAttempts} times in a row`);
  }

  /**
   * All writes at one revision or none; the error is that of the first operation that does not
   * hold. What goes beside are keys that are no objects; when only their guards do not hold it is a Conflict.
   */
  async transact(
    operations: readonly ObjectOperation[],
    beside: Beside = {},
  ): Promise<ApiObject[]> {
    const { guards = [], operations: others = [] } = beside;
    const prepared = operations.map((operation) => this.prepare(operation));
    const result = await this.write(
      [...prepared.map(({ precondition }) => precondition), ...guards],
      [...prepared.map(({ operation }) => operation), ...others],
    );
    if (result.committed)
      return prepared.map(({ object }) => withRevision(object, result.revision));
    const own = result.failed.slice(0, prepared.length);
    const isOwn = own.some((entry, i) => {
      return (entry?.modRevision ?? 0n) !== prepared[i]!.precondition.modRevision;
    });
    if (!isOwn && guards.length > 0) {
      const [{ kind, object }] = operations as [ObjectOperation];
      throw conflict(details(kind, object.metadata.name), 'what it was based on has changed');
    }
    throw failureOf(operations, prepared, own);
  }

  /**
   * Every change once and in order, until the signal aborts; Expired when history was lost. Its objects are
   * shared by all who watch: they must not be changed.
   */
  async *watch<T extends ApiObject>(
    kind: Kind<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<ObjectEvent<T>> {
    for await (const batch of this.watchBatches(kind, options, signal)) {
      for (const event of batch) {
        yield event;
        if (signal.aborted) return;
      }
    }
  }

  /** The same, with what came together in one step. */
  async *watchBatches<T extends ApiObject>(
    kind: Kind<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<ObjectEvent<T>[]> {
    const after = options.resourceVersion ? parseRevision(options.resourceVersion) : undefined;
    const prefix = storePrefix(kind, options.namespace);
    const { withoutPrevious = false } = options;
    const batches = this.store.watchBatches(prefix, {
      signal,
      withoutPrevious,
      ...(after === undefined ? {} : { after }),
    });
    for await (const batch of batches) {
      yield batch.map((event) => {
        if (event.type === 'progress') return this.codec.bookmark(kind, String(event.revision));
        // Some stores have it at hand and give it nevertheless.
        const isToGo = withoutPrevious && event.previous;
        return this.codec.event(kind, isToGo ? { ...event, previous: undefined } : event);
      });
    }
  }

  private born<T extends ApiObject>(object: T): T {
    const uid = object.metadata.uid ?? crypto.randomUUID();
    const creationTimestamp = object.metadata.creationTimestamp ?? timestamp(this.clock.now());
    return withMetadata(object, { uid, creationTimestamp, resourceVersion: undefined });
  }

  private async replace<T extends ApiObject>(
    kind: Kind<T>,
    object: T,
    modRevision: Revision,
  ): Promise<{ object?: T; found: boolean }> {
    const key = this.codec.keyOf(kind, object);
    const value = this.codec.encode(kind, object);
    const put = await this.put(kind, key, value);
    const result = await this.write([{ key, modRevision }], [put]);
    if (result.committed) return { object: withRevision(object, result.revision), found: true };
    return { found: result.failed[0] !== undefined };
  }

  private async put(kind: Kind, key: string, value: Uint8Array): Promise<Operation> {
    const lease = await this.options.leaseOf?.(kind);
    return lease === undefined ? { type: 'put', key, value } : { type: 'put', key, value, lease };
  }

  /** A transaction under the fence; what fails is then told without the fence's own entry. */
  private async write(
    preconditions: readonly Precondition[],
    operations: readonly Operation[],
  ): Promise<TransactionResult> {
    if (!this.fence) return this.store.transact(preconditions, operations);
    const fence = this.fence();
    if (!fence) throw unavailable('this control plane does not lead, so it may not write');
    const result = await this.store.transact([...preconditions, fence], operations);
    if (result.committed) return result;
    const failed = result.failed.slice(0, -1);
    if ((result.failed.at(-1)?.modRevision ?? 0n) !== fence.modRevision) {
      throw unavailable('another control plane has taken over; nothing was written');
    }
    return { ...result, failed };
  }

  private prepare(operation: ObjectOperation): {
    precondition: Precondition;
    operation: Operation;
    object: ApiObject;
  } {
    const { kind, type } = operation;
    const object = type === 'create' ? this.born(operation.object) : operation.object;
    const key = this.codec.keyOf(kind, object);
    const modRevision =
      type === 'create' ? 0n : parseRevision(object.metadata.resourceVersion ?? '');
    const precondition = { key, modRevision };
    if (type === 'delete') return { precondition, operation: { type, key }, object };
    const value = this.codec.encode(kind, object);
    return { precondition, operation: { type: 'put', key, value }, object };
  }
}

/** But for the version, which lies beside what is stored, and what the kind says already. */
function isSame(a: ApiObject, b: ApiObject): boolean {
  const kept = ({ apiVersion: _v, kind: _k, metadata, ...rest }: ApiObject) => ({
    ...rest,
    metadata: { ...metadata, resourceVersion: undefined },
  });
  return jsonEqual(kept(a), kept(b));
}

function withRevision<T extends ApiObject>(object: T, revision: Revision): T {
  return withMetadata(object, { resourceVersion: String(revision) });
}
