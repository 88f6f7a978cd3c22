import { Backoff, delay, isReason, systemClock, type Clock } from '@gantry/base';
import type { ApiObject, Status, WatchEvent } from '@gantry/api-machinery';
import type { ApiClient } from './api-client.js';
import { errorFromStatus } from './failure.js';
import { jsonLines } from './json-lines.js';
import { resourcePath, type ResourceType } from './resource.js';

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly signal: AbortSignal;
  /** Asks the server for another form, e.g. a Table per event. */
  readonly accept?: string;
  readonly clock?: Clock;
}

/** One change; bookmarks and errors never get out. */
export interface Change<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

const serverTimeoutSeconds = 300;

async function* connection<T extends ApiObject>(
  client: ApiClient,
  resource: ResourceType<T>,
  resourceVersion: string,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const { namespace, labelSelector, fieldSelector, signal, accept } = options;
  const answer = await client.open({
    method: 'GET',
    path: resourcePath(resource, { namespace }),
    query: {
      watch: true,
      allowWatchBookmarks: true,
      timeoutSeconds: serverTimeoutSeconds,
      resourceVersion,
      labelSelector,
      fieldSelector,
    },
    accept,
    signal,
  });
  try {
    for await (const event of jsonLines(answer)) yield event as WatchEvent<T>;
  } finally {
    answer.destroy();
  }
}

/** The version an event leaves the watch at; a Table carries it in its row. */
function versionOf(object: ApiObject): string | undefined {
  const rows = (object as { rows?: { object?: ApiObject }[] }).rows;
  return rows?.[0]?.object?.metadata?.resourceVersion ?? object.metadata?.resourceVersion;
}

/**
 * All changes after `resourceVersion`, across cut connections and server restarts, each once and in
 * order. Ends when the signal aborts; throws Expired when history is gone: list again.
 */
export async function* watch<T extends ApiObject>(
  client: ApiClient,
  resource: ResourceType<T>,
  resourceVersion: string,
  options: WatchOptions,
): AsyncGenerator<Change<T>> {
  const { signal, clock = systemClock } = options;
  const backoff = new Backoff({ baseMs: 200, maxMs: 10_000, jitter: 0.5 });
  let at = resourceVersion;
  while (!signal.aborted) {
    try {
      for await (const event of connection(client, resource, at, options)) {
        if (event.type === 'ERROR') throw errorFromStatus(event.object as unknown as Status);
        at = versionOf(event.object) ?? at;
        backoff.reset();
        if (event.type !== 'BOOKMARK') yield { type: event.type, object: event.object };
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isTransient(error)) throw error;
    }
    // Also after a normal end, so that a server which ends at once is not hammered.
    await delay(clock, backoff.next(), signal).catch(() => undefined);
  }
}

function isTransient(error: unknown): boolean {
  if (isReason(error, 'Expired')) return false;
  if (isReason(error, 'ServiceUnavailable') || isReason(error, 'TooManyRequests')) return true;
  if (isReason(error, 'InternalError') || isReason(error, 'Timeout')) return true;
  // Broken in the middle of the stream: a socket error or a cut line.
  return !(error instanceof Error && 'reason' in error);
}

/**
 * The present objects as ADDED, then every change. When history is gone it lists again and tells
 * only the differences, so that a reader never sees an object twice for nothing.
 */
export async function* follow<T extends ApiObject>(
  client: ApiClient,
  resource: ResourceType<T>,
  options: WatchOptions,
): AsyncGenerator<Change<T>> {
  const known = new Map<string, T>();
  const { signal, namespace, labelSelector, fieldSelector } = options;
  while (!signal.aborted) {
    const list = await client.listAll(resource, {
      namespace,
      labelSelector,
      fieldSelector,
      signal,
    });
    yield* differences(known, list.items);
    try {
      const { resourceVersion = '' } = list.metadata;
      for await (const change of watch(client, resource, resourceVersion, options)) {
        const { uid = '' } = change.object.metadata;
        if (change.type === 'DELETED') known.delete(uid);
        else known.set(uid, change.object);
        yield change;
      }
    } catch (error) {
      if (!isReason(error, 'Expired')) throw error;
    }
  }
}

function* differences<T extends ApiObject>(
  known: Map<string, T>,
  items: readonly T[],
): Generator<Change<T>> {
  const present = new Map(items.map((item) => [item.metadata.uid ?? '', item]));
  for (const [uid, object] of known) {
    if (present.has(uid)) continue;
    known.delete(uid);
    yield { type: 'DELETED', object };
  }
  for (const [uid, object] of present) {
    const before = known.get(uid);
    known.set(uid, object);
    if (!before) yield { type: 'ADDED', object };
    else if (before.metadata.resourceVersion !== object.metadata.resourceVersion) {
      yield { type: 'MODIFIED', object };
    }
  }
}
