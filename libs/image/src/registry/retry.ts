import { Backoff, delay, systemClock } from '@gantry/base';
import { ImageError } from '../errors.js';
import type { HttpResponse } from './transport.js';

/** How often one step is tried, and the bounds of the waits between, in milliseconds. */
export const maxAttempts = 6;
const baseDelayMs = 200;
const maxDelayMs = 10_000;
/** A registry may ask for longer waits than ours, up to this. */
const maxRetryAfterMs = 60_000;

/** A failure that may pass; `retryAfterMs` is what the registry asked for. */
export class PassingError extends ImageError {
  constructor(
    code: 'unavailable' | 'rate-limited',
    message: string,
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** Waits longer after each failure, never shorter than the registry asked for. */
export class Retries {
  private readonly backoff = new Backoff({ baseMs: baseDelayMs, maxMs: maxDelayMs, jitter: 0.3 });
  private failures = 0;

  constructor(
    private readonly signal: AbortSignal | undefined,
    private readonly onWait: (why: string) => void = () => {},
  ) {}

  /** Progress was made: the next failure is a first one again. */
  reset(): void {
    this.failures = 0;
    this.backoff.reset();
  }

  /** Waits before the next attempt, or throws the error when it will not pass or was seen too often. */
  async after(error: unknown): Promise<void> {
    this.failures += 1;
    if (this.signal?.aborted) throw this.signal.reason;
    if (!(error instanceof PassingError) || this.failures >= maxAttempts) throw error;
    const waitMs = Math.max(this.backoff.next(), error.retryAfterMs ?? 0);
    this.onWait(`${error.message}; trying again in ${Math.ceil(waitMs / 1000)} s`);
    await delay(systemClock, waitMs, this.signal);
  }
}

export async function withRetries<T>(
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
  onWait?: (why: string) => void,
): Promise<T> {
  const retries = new Retries(signal, onWait);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await retries.after(error);
    }
  }
}

/** `Retry-After` in seconds or as a date, bounded; undefined when absent or malformed. */
export function retryAfterMs(response: HttpResponse, nowMs = Date.now()): number | undefined {
  const header = response.headers['retry-after'];
  if (header === undefined) return undefined;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(0, waitMs), maxRetryAfterMs);
}
