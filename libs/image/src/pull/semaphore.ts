/** A bound that callers share, first come first served. */
export class Semaphore {
  private readonly waiting: (() => void)[] = [];
  private inUse = 0;

  constructor(readonly size: number) {}

  /** Runs `work` once a place is free; rejects when the signal aborts before. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.acquire(signal);
    try {
      return await work();
    } finally {
      this.release();
    }
  }

  private acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.inUse < this.size) {
      this.inUse += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const admit = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.waiting.splice(this.waiting.indexOf(admit), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.waiting.push(admit);
    });
  }

  private release(): void {
    const next = this.waiting.shift();
    // The place passes on to the next one directly, so nobody can slip in between.
    if (next) next();
    else this.inUse -= 1;
  }
}
