import { apiVersionOf, type ApiObject, type Kind } from '@gantry/api-machinery';
import { Backoff, type Clock, compacted, delay, describeError, type Logger } from '@gantry/base';
import {
  objectKey,
  ObjectIndex,
  type ObjectEvent,
  type ObjectStore,
  type StateSink,
} from '@gantry/controller';
import { bookmark, CacheEvent } from './cache-event.js';
import { Subscription } from './subscription.js';

/** Changes that are kept for watchers who resume from an earlier revision. */
export const maxHistory = 2048;

export interface WatchFilter<T> {
  readonly namespace?: string;
  readonly matches?: (object: T) => boolean;
}

interface Watcher<T extends ApiObject> extends WatchFilter<T> {
  readonly after: bigint;
  readonly subscription: Subscription<T>;
}

export interface WatchCacheDependencies {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the cache and all its watchers. */
  readonly signal: AbortSignal;
}

/**
 * The newest state of one kind and its last changes, fed by one watch on the store and shared by all
 * watchers and by lists that do not ask for the newest state. Its objects must not be changed.
 */
export class WatchCache<T extends ApiObject> {
  /** The newest state, which informers read too. */
  readonly current = new ObjectIndex<T>();
  private readonly history: CacheEvent<T>[] = [];
  private readonly watchers = new Map<Subscription<T>, Watcher<T>>();
  private readonly sinks = new Set<StateSink<T>>();
  private oldest = 0n;
  private newest = 0n;
  private readonly firstFill = Promise.withResolvers<void>();
  /** Whether it has ever shown a whole state. */
  filled = false;

  constructor(
    private readonly kind: Kind<T>,
    private readonly dependencies: WatchCacheDependencies,
  ) {
    // Nobody may be waiting when the cache ends before it was ever filled.
    this.firstFill.promise.catch(() => undefined);
  }

  /** The revision up to which every change is in here. */
  get revision(): bigint {
    return this.newest;
  }

  get watcherCount(): number {
    return this.watchers.size;
  }

  /** Resolves once the cache shows a whole state; rejects when it ends before. */
  ready(): Promise<void> {
    return this.firstFill.promise;
  }

  /** One of the current objects. */
  get(namespace: string | undefined, name: string): T | undefined {
    return this.current.get(namespace ? `${namespace}/${name}` : name);
  }

  /** Tells the sink of each change from now on, at the moment it is here; the returned function ends that. */
  feed(sink: StateSink<T>): () => void {
    this.sinks.add(sink);
    sink.began(String(this.newest));
    return () => this.sinks.delete(sink);
  }

  /** The current objects in the order of their keys. */
  items(namespace?: string): T[] {
    const keys = this.current.keys().sort();
    const items = keys.map((key) => this.current.get(key)!);
    return namespace ? items.filter((item) => item.metadata.namespace === namespace) : items;
  }

  /** The current objects that a test holds for, in no order. */
  find(test: (object: T) => boolean): T[] {
    const found: T[] = [];
    for (const object of this.current.values()) if (test(object)) found.push(object);
    return found;
  }

  /** Every change after the revision that the filter sees; Expired when that is too long ago. */
  subscribe(after: bigint, filter: WatchFilter<T>): Subscription<T> {
    if (after < this.oldest) {
      throw compacted(`too old resource version: ${after} (${this.oldest})`);
    }
    const subscription = new Subscription<T>((ended) => this.watchers.delete(ended));
    const watcher = { ...filter, after, subscription };
    for (const event of this.history) deliver(event, watcher);
    this.watchers.set(subscription, watcher);
    return subscription;
  }

  /** Queues a bookmark behind whatever the watcher has still to read. */
  pushBookmark(subscription: Subscription<T>): void {
    const after = this.watchers.get(subscription)?.after ?? 0n;
    const revision = after > this.newest ? after : this.newest;
    subscription.push(bookmark(this.identity, String(revision)));
  }

  get identity(): { apiVersion: string; kind: string } {
    return { apiVersion: apiVersionOf(this.kind), kind: this.kind.kind };
  }

  /** Lists and follows the store until the signal aborts; lists again when history was lost. */
  async run(): Promise<void> {
    const { clock, logger, signal } = this.dependencies;
    const backoff = new Backoff({ baseMs: 50, maxMs: 5_000, jitter: 0.5 });
    while (!signal.aborted) {
      try {
        await this.fill();
        backoff.reset();
        await this.follow();
      } catch (error) {
        if (signal.aborted) break;
        const fields = { kind: this.kind.kind, err: describeError(error) };
        logger.warn(fields, 'watch cache lost its watch; listing again');
        await delay(clock, backoff.next(), signal).catch(() => undefined);
      }
    }
    this.endWatchers();
    this.firstFill.reject(signal.reason);
  }

  private async fill(): Promise<void> {
    const { items, resourceVersion } = await this.dependencies.objects.list(this.kind, {
      shared: true,
    });
    // Whoever watches has missed what happened in between, so it must list again too.
    this.endWatchers(compacted());
    this.history.length = 0;
    this.replace(items);
    this.oldest = BigInt(resourceVersion);
    this.newest = this.oldest;
    this.filled = true;
    this.firstFill.resolve();
    for (const sink of this.sinks) sink.progressed(resourceVersion);
  }

  private replace(items: readonly T[]): void {
    if (this.current.size > 0) {
      const listed = new Set(items.map(objectKey));
      for (const key of this.current.keys()) if (!listed.has(key)) this.drop(key);
    }
    for (const item of items) this.put(item);
  }

  private put(object: T): T | undefined {
    const previous = this.current.set(object);
    if (previous?.metadata.resourceVersion !== object.metadata.resourceVersion) {
      for (const sink of this.sinks) sink.changed(object, previous);
    }
    return previous;
  }

  private drop(key: string): T | undefined {
    const previous = this.current.delete(key);
    if (previous) for (const sink of this.sinks) sink.deleted(previous);
    return previous;
  }

  private async follow(): Promise<void> {
    const { objects, signal } = this.dependencies;
    const resourceVersion = String(this.newest);
    const options = { resourceVersion, withoutPrevious: true };
    for await (const batch of objects.watchBatches(this.kind, options, signal)) {
      for (const event of batch) {
        const revision = BigInt(event.object.metadata.resourceVersion ?? '0');
        if (event.type !== 'BOOKMARK') this.record(event.type, event, revision);
        if (revision > this.newest) this.newest = revision;
      }
      const newest = String(this.newest);
      for (const sink of this.sinks) sink.progressed(newest);
    }
  }

  private record(type: CacheEvent<T>['type'], change: ObjectEvent<T>, revision: bigint): void {
    const isEnd = type === 'DELETED';
    const event = isEnd ? this.ended(change, revision) : this.changed(type, change, revision);
    this.history.push(event);
    if (this.history.length > maxHistory) this.oldest = this.history.shift()!.revision;
    for (const watcher of this.watchers.values()) deliver(event, watcher);
  }

  private changed(
    type: CacheEvent<T>['type'],
    change: ObjectEvent<T>,
    revision: bigint,
  ): CacheEvent<T> {
    const { object } = change;
    const text = change.json && (() => change.json!());
    return new CacheEvent(type, object, this.put(object), revision, text);
  }

  /** A deleted object is shown in its last state, at the revision of its deletion. */
  private ended({ object: named }: ObjectEvent<T>, revision: bigint): CacheEvent<T> {
    const last = this.drop(objectKey(named));
    const metadata = { ...last?.metadata, resourceVersion: String(revision) };
    return new CacheEvent('DELETED', last ? { ...last, metadata } : named, last, revision);
  }

  private endWatchers(failure?: Error): void {
    for (const subscription of this.watchers.keys()) subscription.end(failure);
  }
}

function deliver<T extends ApiObject>(event: CacheEvent<T>, watcher: Watcher<T>): void {
  if (event.revision <= watcher.after) return;
  if (watcher.namespace && event.object.metadata.namespace !== watcher.namespace) return;
  const seen = event.seenBy(watcher.matches);
  if (seen) watcher.subscription.push(seen);
}
