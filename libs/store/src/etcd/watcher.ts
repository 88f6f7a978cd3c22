import { Backoff, compacted, delay, type Clock, type Logger } from '@gantry/base';
import { changeRevision, type Change } from '../change.js';
import type { Revision, StoreEvent, WatchOptions } from '../store.js';
import type { Connections, WatchCall } from './connection.js';
import type { WatchAnswer } from './raw-messages.js';
import { encodeWatch, progressRequest } from './request-messages.js';
import { prefixEnd, prefixStart } from './wire.js';

/** Most responses that wait for a slow reader before the stream is paused. */
const maxBufferedResponses = 64;

export interface WatcherOptions {
  readonly connections: Connections;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progressIntervalMs: number;
  /** How each stream that is open asks how far it is. */
  readonly asking: Set<() => void>;
}

/** One stream's responses as an async iterator; pauses the stream when the reader lags. */
class Responses {
  private readonly buffer: WatchAnswer[] = [];
  private ended: { error?: Error } | undefined;
  private ring: () => void = () => {};

  constructor(private readonly call: WatchCall) {
    call.on('data', (response: WatchAnswer) => {
      this.buffer.push(response);
      if (this.buffer.length >= maxBufferedResponses) call.pause();
      this.ring();
    });
    call.on('error', (error: Error) => this.end(error));
    call.on('end', () => this.end());
  }

  end(error?: Error): void {
    this.ended ??= error ? { error } : {};
    this.ring();
  }

  /** The next response; undefined when the stream has ended and all was read. */
  async next(): Promise<WatchAnswer | undefined> {
    while (this.buffer.length === 0) {
      if (this.ended?.error) throw this.ended.error;
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => {
        this.ring = resolve;
      });
    }
    const response = this.buffer.shift();
    if (this.buffer.length === 0 && this.call.isPaused()) this.call.resume();
    return response;
  }
}

/**
 * Watches a prefix over etcd's Watch RPC, in batches as etcd sends them. Every stream starts behind the last *delivered* event, so
 * a cut link or a restarted server loses and repeats nothing; history that was compacted away in
 * the meantime is thrown as such.
 */
export async function* watchPrefix(
  prefix: string,
  options: WatchOptions,
  watcher: WatcherOptions,
): AsyncGenerator<readonly StoreEvent[]> {
  const { clock, logger } = watcher;
  const backoff = new Backoff({ baseMs: 50, maxMs: 1_000, jitter: 0.5 });
  let position = options.after;
  while (!options.signal.aborted) {
    try {
      const from = position;
      const batches = stream(prefix, { ...options, after: from }, watcher);
      for await (const batch of batches) {
        if (options.signal.aborted) return;
        const last = batch.at(-1)!;
        position = last.type === 'progress' ? last.revision : changeRevision(last);
        backoff.reset();
        yield batch;
      }
    } catch (error) {
      if (options.signal.aborted) return;
      if (isCompacted(error)) throw error;
      logger.debug({ err: error, prefix, position: String(position) }, 'watch interrupted');
    }
    await delay(clock, backoff.next(), options.signal).catch(() => {});
  }
}

function isCompacted(error: unknown): boolean {
  return (error as { reason?: string }).reason === 'Expired';
}

async function* stream(
  prefix: string,
  options: WatchOptions,
  watcher: WatcherOptions,
): AsyncGenerator<readonly StoreEvent[]> {
  const { after, withoutPrevious, signal } = options;
  const call = watcher.connections.open();
  const responses = new Responses(call);
  const stop = () => {
    responses.end();
    call.cancel();
  };
  signal.addEventListener('abort', stop, { once: true });
  const stopAsking = askForProgress(call, watcher);
  try {
    const keys = { key: prefixStart(prefix), rangeEnd: prefixEnd(Buffer.from(prefix)) };
    const asked = { ...keys, withoutPrevious };
    call.write(encodeWatch(after === undefined ? asked : { ...asked, startRevision: after + 1n }));
    yield* deliver(responses, after);
  } finally {
    signal.removeEventListener('abort', stop);
    stopAsking();
    call.cancel();
  }
}

async function* deliver(
  responses: Responses,
  after: Revision | undefined,
): AsyncGenerator<readonly StoreEvent[]> {
  let fragments: Change[] = [];
  for (;;) {
    const response = await responses.next();
    if (!response) return;
    refuse(response);
    if (response.created) {
      if (after === undefined) yield [progress(response)];
      continue;
    }
    for (const change of response.changes) fragments.push(change);
    // A transaction may be cut into fragments; it is delivered whole, so that a resume is exact.
    if (response.fragment) continue;
    const changes = fragments;
    fragments = [];
    yield changes.length > 0 ? changes : [progress(response)];
  }
}

function refuse(response: WatchAnswer): void {
  if (response.compactRevision !== 0n) throw compacted();
  if (response.canceled) {
    throw new Error(`watch cancelled by etcd: ${response.cancelReason || 'no reason given'}`);
  }
}

function progress(response: WatchAnswer): StoreEvent {
  return { type: 'progress', revision: response.revision };
}

/** etcd itself reports progress every ten minutes only. */
function askForProgress(
  call: WatchCall,
  { clock, progressIntervalMs, asking }: WatcherOptions,
): () => void {
  let cancel = () => {};
  const ask = () => {
    if (!call.destroyed && call.writable) call.write(progressRequest);
  };
  const arm = () => {
    cancel = clock.after(progressIntervalMs, () => {
      ask();
      arm();
    });
  };
  arm();
  asking.add(ask);
  return () => {
    asking.delete(ask);
    cancel();
  };
}
