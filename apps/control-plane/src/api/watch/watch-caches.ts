import type { ApiObject, Kind } from '@gantry/api-machinery';
import { aborted, delay, unavailable } from '@gantry/base';
import type { SharedState, StateSink } from '@gantry/controller';
import type { Revision } from '@gantry/store';
import { WatchCache, type WatchCacheDependencies } from './watch-cache.js';

/** A reader waits so long for a cache's first list, in milliseconds. */
const fillTimeoutMs = 10_000;
/** How soon, and then how seldom, the store is asked how far its watches are while somebody waits for that. */
const firstAskMs = 10;
const maxAskMs = 500;

/** One cache per kind, started when the first reader asks for it. */
export class WatchCaches {
  private readonly caches = new Map<object, WatchCache<ApiObject>>();

  private asked: Promise<void> | undefined;
  private askMs = firstAskMs;

  constructor(private readonly dependencies: WatchCacheDependencies) {}

  /** The kind's cache, filled; Unavailable when the store's first list takes too long. */
  async ready<T extends ApiObject>(kind: Kind<T>): Promise<WatchCache<T>> {
    const cache = this.of(kind);
    if (cache.filled) return cache;
    const late = Promise.withResolvers<never>();
    const cancel = this.dependencies.clock.after(fillTimeoutMs, () =>
      late.reject(unavailable(`the store does not list ${kind.plural}: try again`)),
    );
    await Promise.race([cache.ready(), late.promise]).finally(cancel);
    return cache;
  }

  /** What the caches hold, for informers, once it shows everything up to this revision. */
  since(revision: Revision): SharedState {
    return {
      index: (kind) => this.of(kind).current,
      follow: (kind, sink, signal) => this.follow(kind, sink, revision, signal),
    };
  }

  private async follow<T extends ApiObject>(
    kind: Kind<T>,
    sink: StateSink<T>,
    revision: Revision,
    signal: AbortSignal,
  ): Promise<void> {
    const cache = this.of(kind);
    // The cache ends only with the process.
    await Promise.race([cache.ready().catch(() => aborted(signal)), aborted(signal)]);
    while (cache.revision < revision && !signal.aborted) await this.nextProgress(signal);
    if (signal.aborted) return;
    this.askMs = firstAskMs;
    const end = cache.feed(sink);
    await aborted(signal);
    end();
  }

  /** One question for all who wait, since it goes to every watch. */
  private async nextProgress(signal: AbortSignal): Promise<void> {
    const { clock, objects } = this.dependencies;
    this.asked ??= (async () => {
      objects.store.requestProgress();
      await delay(clock, this.askMs);
      this.askMs = Math.min(maxAskMs, this.askMs * 2);
      this.asked = undefined;
    })();
    await Promise.race([this.asked, aborted(signal)]);
  }

  /** How many clients watch each kind, for metrics. */
  watchers(): { kind: string; count: number }[] {
    return [...this.caches.values()].map((cache) => ({
      kind: cache.identity.kind,
      count: cache.watcherCount,
    }));
  }

  private of<T extends ApiObject>(kind: Kind<T>): WatchCache<T> {
    const known = this.caches.get(kind) as unknown as WatchCache<T> | undefined;
    if (known) return known;
    const cache = new WatchCache(kind, this.dependencies);
    this.caches.set(kind, cache as unknown as WatchCache<ApiObject>);
    void cache.run();
    return cache;
  }
}
