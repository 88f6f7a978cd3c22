import { Backoff, systemClock, type Clock } from '@gantry/base';

export interface WorkQueueOptions {
  readonly clock?: Clock;
  /** First delay of a key that failed, in milliseconds (default 20); doubles each time. */
  readonly baseDelayMs?: number;
  /** Longest delay of a key that fails again and again, in milliseconds (default 60,000). */
  readonly maxDelayMs?: number;
  readonly random?: () => number;
}

/**
 * Keys that wait for work. A key waits at most once, and while it is being worked on it is not
 * given out again but remembered. Its size is bounded by the number of distinct keys.
 */
export class WorkQueue {
  private readonly waiting = new Set<string>();
  private readonly working = new Set<string>();
  /** Added while being worked on. */
  private readonly again = new Set<string>();
  private readonly delayed = new Map<string, { atMs: number; cancel: () => void }>();
  private readonly failures = new Map<string, Backoff>();
  private readonly clock: Clock;
  private readonly takers: (() => void)[] = [];
  private readonly signals = new WeakSet<AbortSignal>();

  constructor(private readonly options: WorkQueueOptions = {}) {
    this.clock = options.clock ?? systemClock;
  }

  /** How many keys wait now; those that are delayed are not counted. */
  get depth(): number {
    return this.waiting.size;
  }

  /** Nothing waits, is delayed, or is being worked on. */
  get idle(): boolean {
    return this.waiting.size + this.working.size + this.delayed.size === 0;
  }

  add(key: string): void {
    this.cancelDelay(key);
    if (this.working.has(key)) {
      this.again.add(key);
      return;
    }
    this.waiting.add(key);
    this.takers.shift()?.();
  }

  /** Adds the key after a delay; of several delays the shortest holds. */
  addAfter(key: string, delayMs: number): void {
    if (this.waiting.has(key)) return;
    if (delayMs <= 0) return this.add(key);
    const atMs = this.clock.now() + delayMs;
    const known = this.delayed.get(key);
    if (known && known.atMs <= atMs) return;
    known?.cancel();
    const cancel = this.clock.after(delayMs, () => this.add(key));
    this.delayed.set(key, { atMs, cancel });
  }

  /** Adds a key that failed, later each time until `forget`. */
  addRateLimited(key: string): void {
    let backoff = this.failures.get(key);
    if (!backoff) {
      const { baseDelayMs = 20, maxDelayMs = 60_000, random = Math.random } = this.options;
      backoff = new Backoff({ baseMs: baseDelayMs, maxMs: maxDelayMs, jitter: 0.2, random });
      this.failures.set(key, backoff);
    }
    this.addAfter(key, backoff.next());
  }

  /** The key is well: its next failure starts with the first delay. */
  forget(key: string): void {
    this.failures.delete(key);
  }

  /** The next key, to be given back with `done`; undefined when the signal aborts. */
  async take(signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      const [key] = this.waiting;
      if (key !== undefined) {
        this.waiting.delete(key);
        this.working.add(key);
        return key;
      }
      await this.added(signal);
    }
    return undefined;
  }

  done(key: string): void {
    this.working.delete(key);
    if (this.again.delete(key)) this.add(key);
  }

  /** Forgets everything that waits, is delayed or has failed. */
  clear(): void {
    for (const { cancel } of this.delayed.values()) cancel();
    this.delayed.clear();
    this.waiting.clear();
    this.again.clear();
    this.failures.clear();
  }

  private cancelDelay(key: string): void {
    this.delayed.get(key)?.cancel();
    this.delayed.delete(key);
  }

  private added(signal: AbortSignal): Promise<void> {
    // One listener for all who wait under this signal: one for each wait costs more than most of the work.
    if (!this.signals.has(signal)) {
      this.signals.add(signal);
      signal.addEventListener('abort', () => this.wakeAll(), { once: true });
    }
    return new Promise((resolve) => this.takers.push(resolve));
  }

  private wakeAll(): void {
    for (const wake of this.takers.splice(0)) wake();
  }
}
