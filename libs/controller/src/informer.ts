import type { ApiObject, Kind } from '@gantry/api-machinery';
import {
  Backoff,
  delay,
  describeError,
  isReason,
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
} from '@gantry/base';
import { ObjectIndex, type IndexFunction } from './object-index.js';
import { objectKey } from './object-key.js';
import type { ObjectEvent } from './object-events.js';
import type { ObjectStore } from './object-store.js';
import type { SharedState } from './shared-state.js';
import { inSlices } from './turns.js';

export interface InformerOptions<T> {
  readonly namespace?: string;
  /** Names of indexes with the values under which an object is found. */
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Where the kind is followed already; without it, by a list and a watch of its own. */
  readonly shared?: SharedState;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** Told of every change, in order, after the cache has it. Must not throw and not wait. */
export interface InformerHandler<T> {
  added?(object: T): void;
  updated?(object: T, previous: T): void;
  deleted?(object: T): void;
}

/**
 * A kind's objects in memory, kept current by one watch. After interruptions it resumes; when
 * history was compacted it lists again and tells the difference, so that handlers miss no object's
 * last state (though perhaps states in between). Its objects are shared: they must not be changed.
 */
export class Informer<T extends ApiObject> {
  private readonly cache: ObjectIndex<T>;
  private readonly shared: SharedState | undefined;
  private readonly handlers = new Set<InformerHandler<T>>();
  private readonly filled = Promise.withResolvers<void>();
  private readonly logger: Logger;
  private readonly clock: Clock;
  private revision: string | undefined;

  constructor(
    private readonly objects: ObjectStore,
    readonly kind: Kind<T>,
    private readonly options: InformerOptions<T> = {},
  ) {
    const { shared, namespace, indexes = {} } = options;
    // Objects of one namespace are not what the others share.
    this.shared = namespace ? undefined : shared;
    this.cache = this.shared?.index(kind) ?? new ObjectIndex();
    for (const [name, values] of Object.entries(indexes)) this.cache.addIndex(name, values);
    this.logger = options.logger ?? silentLogger;
    this.clock = options.clock ?? systemClock;
  }

  /** Resolves when the first list is in the cache. */
  get synced(): Promise<void> {
    return this.filled.promise;
  }

  /** Every change up to this revision is in the cache; 0 before the first list. */
  get seenRevision(): bigint {
    return BigInt(this.revision ?? '0');
  }

  get hasSynced(): boolean {
    return this.revision !== undefined;
  }

  /** The revision up to which the cache shows every change. */
  get resourceVersion(): string | undefined {
    return this.revision;
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.cache.get(namespace ? `${namespace}/${name}` : name);
  }

  /** By `NAMESPACE/NAME`, or `NAME` for a kind without namespaces. */
  getByKey(key: string): T | undefined {
    return this.cache.get(key);
  }

  get size(): number {
    return this.cache.size;
  }

  /** All objects in the order in which they came, without a copy of the list. */
  values(): IterableIterator<T> {
    return this.cache.values();
  }

  list(namespace?: string): T[] {
    const all = this.cache.all();
    return namespace ? all.filter((object) => object.metadata.namespace === namespace) : all;
  }

  byIndex(index: string, value: string): T[] {
    return this.cache.find(index, value);
  }

  /** Adds an index, or keeps the one of that name. */
  addIndex(name: string, values: IndexFunction<T>): void {
    this.cache.addIndex(name, values);
  }

  /**
   * Tells the handler first what is there and then what changes; the returned function ends that.
   */
  subscribe(handler: InformerHandler<T>): () => void {
    this.handlers.add(handler);
    if (this.hasSynced) this.tellAll(handler);
    return () => this.handlers.delete(handler);
  }

  /**
   * As `subscribe`, but others get their turn while the handler is told what is there, and changes are told at once:
   * of an object that comes or changes meanwhile it may hear twice that it was added. Once the signal aborts it may
   * not hear of all.
   */
  async subscribeInTurns(handler: InformerHandler<T>, signal?: AbortSignal): Promise<() => void> {
    if (!this.hasSynced) return this.subscribe(handler);
    this.handlers.add(handler);
    await inSlices(this.cache.values(), (object) => this.tellOne(handler, object), signal);
    return () => this.handlers.delete(handler);
  }

  /** Lists and follows until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    if (!this.shared) return this.followStore(signal);
    await this.shared.follow(
      this.kind,
      {
        began: (resourceVersion) => this.begin(resourceVersion),
        changed: (object, previous) => this.tellChange(object, previous),
        deleted: (object) => this.tellDeletion(object),
        progressed: (resourceVersion) => (this.revision = resourceVersion),
      },
      signal,
    );
  }

  private begin(resourceVersion: string): void {
    this.revision = resourceVersion;
    for (const handler of this.handlers) this.tellAll(handler);
    this.filled.resolve();
  }

  private tellAll(handler: InformerHandler<T>): void {
    for (const object of this.cache.values()) this.tellOne(handler, object);
  }

  private async followStore(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 50, maxMs: 5_000, jitter: 0.5 });
    let current = false;
    while (!signal.aborted) {
      try {
        if (!current) await this.fill();
        current = true;
        backoff.reset();
        await this.follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isReason(error, 'Expired')) current = false;
        const fields = { kind: this.kind.kind, resourceVersion: this.revision };
        this.logger.warn(fields, `informer interrupted: ${describeError(error)}`);
        await delay(this.clock, backoff.next(), signal).catch(() => {});
      }
    }
  }

  /** Brings the cache to the state of one list and tells what became different. */
  private async fill(): Promise<void> {
    const { namespace } = this.options;
    const page = await this.objects.list(this.kind, {
      shared: true,
      ...(namespace ? { namespace } : {}),
    });
    this.replace(page.items, page.resourceVersion);
  }

  private replace(objects: Iterable<T>, resourceVersion: string): void {
    if (this.cache.size > 0) {
      const listed = new Set<string>();
      for (const object of objects) listed.add(objectKey(object));
      for (const key of this.cache.keys()) if (!listed.has(key)) this.drop(key);
    }
    for (const object of objects) this.put(object);
    this.revision = resourceVersion;
    this.filled.resolve();
  }

  private take(event: ObjectEvent<T>): void {
    if (event.type === 'DELETED') this.drop(objectKey(event.object));
    else if (event.type !== 'BOOKMARK') this.put(event.object);
    this.revision = event.object.metadata.resourceVersion;
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { namespace } = this.options;
    const options = { resourceVersion: this.revision, ...(namespace ? { namespace } : {}) };
    for await (const batch of this.objects.watchBatches(this.kind, options, signal)) {
      for (const event of batch) this.take(event);
    }
  }

  private put(object: T): void {
    const known = this.cache.get(objectKey(object));
    // A list shows again what the watch has already delivered.
    if (known?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.cache.set(object);
    this.tellChange(object, known);
  }

  private drop(key: string): void {
    const object = this.cache.delete(key);
    if (object) this.tellDeletion(object);
  }

  private tellChange(object: T, previous: T | undefined): void {
    const isOther = previous && previous.metadata.uid !== object.metadata.uid;
    for (const handler of this.handlers) {
      if (isOther) this.tellOne(handler, undefined, previous);
      this.tellOne(handler, object, isOther ? undefined : previous);
    }
  }

  private tellDeletion(object: T): void {
    for (const handler of this.handlers) this.tellOne(handler, undefined, object);
  }

  /** A handler that throws is told of; the others, and the watch, go on. */
  private tellOne(handler: InformerHandler<T>, object?: T, previous?: T): void {
    try {
      if (!object) handler.deleted?.(previous!);
      else if (previous) handler.updated?.(object, previous);
      else handler.added?.(object);
    } catch (error) {
      const about = objectKey((object ?? previous)!);
      const fields = { kind: this.kind.kind, object: about, err: describeError(error) };
      this.logger.error(fields, "an informer's handler failed on a change");
    }
  }
}
