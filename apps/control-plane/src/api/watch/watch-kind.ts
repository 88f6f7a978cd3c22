import type { ApiObject, Kind } from '@gantry/api-machinery';
import type { ObjectStore } from '@gantry/controller';
import { listKind } from '../resources/list-kind.js';
import type { DeliveredEvent, WatchRequest } from '../resources/options.js';
import { parseRevision } from '../resources/revision.js';
import { compileSelection } from '../resources/selection.js';
import { bookmark, SharedEvent } from './cache-event.js';
import type { WatchCaches } from './watch-caches.js';

/** How often a watcher that asked for bookmarks gets one, in milliseconds. */
export const bookmarkIntervalMs = 60_000;

/** Events of the first state that are handed over at a time. */
const maxBatch = 64;

const initialEventsEnd = { 'k8s.io/initial-events-end': 'true' };

/**
 * Follows one kind. From a revision: what comes after it. Without one, with 0, or when initial events
 * are asked for: the state first, as ADDED, and then what follows it, without gap or repetition. What is there at
 * the same time comes together.
 */
export async function watchKind<T extends ApiObject>(
  kind: Kind<T>,
  request: WatchRequest,
  objects: ObjectStore,
  caches: WatchCaches,
): Promise<AsyncIterable<readonly DeliveredEvent<T>[]>> {
  const { signal, namespace } = request;
  const matches = compileSelection(kind, request);
  const revision = parseRevision(request.resourceVersion);
  const cache = await caches.ready(kind);
  const initial: DeliveredEvent<T>[] = [];
  let after = revision;
  if (!revision || request.sendInitialEvents) {
    const { labelSelector, fieldSelector, resourceVersion } = request;
    const state = { namespace, labelSelector, fieldSelector, resourceVersion };
    const page = await listKind(kind, state, objects, caches);
    for (const item of page.items) initial.push(new SharedEvent('ADDED', item));
    after = BigInt(page.resourceVersion);
    if (request.sendInitialEvents) {
      initial.push(bookmark(cache.identity, page.resourceVersion, initialEventsEnd));
    }
  }
  const subscription = cache.subscribe(after!, { namespace, matches });
  const stop = () => subscription.end();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const beat = () => cache.pushBookmark(subscription);
  const timer = request.allowBookmarks ? setInterval(beat, bookmarkIntervalMs).unref() : undefined;
  return (async function* () {
    try {
      for (let i = 0; i < initial.length; i += maxBatch) yield initial.slice(i, i + maxBatch);
      for await (const event of subscription) yield [event, ...subscription.taken()];
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', stop);
      subscription.end();
    }
  })();
}
