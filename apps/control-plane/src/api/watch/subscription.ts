import type { ApiObject } from '@gantry/api-machinery';
import { Bell, GantryError } from '@gantry/base';
import type { DeliveredEvent } from '../resources/options.js';

/** Events that may wait for one slow watcher before it is dropped; more than a cache replays at once. */
export const maxWaitingEvents = 4096;

/** The events of one watcher: pushed by the cache, pulled by the watcher, bounded in between. */
export class Subscription<T extends ApiObject> implements AsyncIterableIterator<DeliveredEvent<T>> {
  private waiting: DeliveredEvent<T>[] = [];
  private ended = false;
  private failure: Error | undefined;
  private readonly bell = new Bell();

  constructor(private readonly onEnd: (self: Subscription<T>) => void) {}

  push(event: DeliveredEvent<T>): void {
    if (this.ended) return;
    if (this.waiting.length < maxWaitingEvents) {
      this.waiting.push(event);
      this.bell.ring();
      return;
    }
    const message = `the watcher is ${maxWaitingEvents} events behind: list and watch again`;
    this.end(new GantryError('Expired', message));
  }

  /** What waits, all at once. */
  taken(): DeliveredEvent<T>[] {
    const taken = this.waiting;
    this.waiting = [];
    return taken;
  }

  /** No more events; those that wait are dropped. With an error the watcher is told why. */
  end(failure?: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.failure = failure;
    this.waiting = [];
    this.bell.ring();
    this.onEnd(this);
  }

  async next(): Promise<IteratorResult<DeliveredEvent<T>>> {
    while (true) {
      const value = this.waiting.shift();
      if (value) return { done: false, value };
      if (this.failure) throw this.failure;
      if (this.ended) return { done: true, value: undefined };
      await this.bell.rung();
    }
  }

  return(): Promise<IteratorResult<DeliveredEvent<T>>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }
}
