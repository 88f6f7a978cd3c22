export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Part of the delay that is drawn at random, 0 to 1 (default 0: exact). */
  readonly jitter?: number;
  readonly random?: () => number;
}

/** Exponential delays: base, 2·base, 4·base … up to max, in milliseconds. */
export class Backoff {
  private attempts = 0;

  constructor(private readonly options: BackoffOptions) {}

  next(): number {
    const { baseMs, maxMs, jitter = 0, random = Math.random } = this.options;
    const exact = Math.min(maxMs, baseMs * 2 ** Math.min(this.attempts, 52));
    this.attempts += 1;
    return exact * (1 - jitter + jitter * random());
  }

  reset(): void {
    this.attempts = 0;
  }
}
