import { isReason } from '@gantry/base';
import { changeKey, changeRevision, type Change } from '../change.js';
import type { Revision, Store, TransactionResult } from '../store.js';

/** What a store must offer to the suite: itself, a second client of the same truth, and a crash. */
export interface StoreHarness {
  store(): Store;
  /** Another client of the same truth; the same object where there can only be one. */
  other(): Store;
  /** Ends the server without warning and starts it again on its data. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

/** Waits until `condition` holds; the suite's only way of waiting. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

export async function put(store: Store, key: string, value: string): Promise<Revision> {
  const result = await store.transact([], [{ type: 'put', key, value: bytes(value) }]);
  return result.revision;
}

export function create(store: Store, key: string, value: string): Promise<TransactionResult> {
  return store.transact([{ key, modRevision: 0n }], [{ type: 'put', key, value: bytes(value) }]);
}

export async function remove(store: Store, key: string): Promise<Revision> {
  const result = await store.transact([], [{ type: 'delete', key }]);
  return result.revision;
}

/** Puts in spite of crashes. A try that may or may not have happened is told by its value. */
export async function putSurely(
  harness: StoreHarness,
  key: string,
  value: string,
): Promise<Revision> {
  for (;;) {
    try {
      const result = await create(harness.store(), key, value);
      if (result.committed) return result.revision;
      const [found] = result.failed;
      if (text(found?.value) === value && found) return found.modRevision;
      throw new Error(`${key} holds something else`);
    } catch (error) {
      if (!isReason(error, 'ServiceUnavailable')) throw error;
    }
  }
}

/**
 * Collects the changes of a prefix; where a crash ends the watch it goes on behind the last one
 * seen.
 */
export class Follower {
  private static readonly running = new Set<Follower>();
  readonly changes: Change[] = [];
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  failure: unknown;
  /** The last revision up to which the watch has told that nothing is still to come. */
  progress: Revision = 0n;

  constructor(
    private readonly harness: StoreHarness,
    private readonly prefix: string,
    private position: Revision,
  ) {
    Follower.running.add(this);
    this.running = this.follow();
  }

  /** Ends those that a failed test has left. */
  static async stopAll(): Promise<void> {
    for (const follower of Follower.running) await follower.stop().catch(() => {});
  }

  async stop(): Promise<void> {
    Follower.running.delete(this);
    this.stopping.abort();
    await this.running;
    if (this.failure) throw this.failure;
  }

  keys(): string[] {
    return this.changes.map(changeKey);
  }

  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        const store = this.harness.store();
        for await (const event of store.watch(this.prefix, { after: this.position, signal })) {
          if (event.type === 'progress') {
            this.progress = event.revision;
            continue;
          }
          this.position = changeRevision(event);
          this.changes.push(event);
        }
      } catch (error) {
        if (!isReason(error, 'ServiceUnavailable')) {
          this.failure = error;
          return;
        }
        // The server needs a turn of the event loop to come back.
        await new Promise(setImmediate);
      }
    }
  }
}
