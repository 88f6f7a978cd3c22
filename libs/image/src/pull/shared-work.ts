/** Work that several callers wait for: it runs once, and is stopped when the last of them leaves. */
export class SharedWork<T> {
  private readonly controller = new AbortController();
  private readonly outcome: Promise<T>;
  private waiters = 0;
  private settled = false;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.outcome = work(this.controller.signal).finally(() => (this.settled = true));
    this.outcome.catch(() => {});
  }

  /** False once it was stopped: a newcomer must start anew. */
  get joinable(): boolean {
    return !this.controller.signal.aborted;
  }

  /** Resolves with the outcome, or rejects as soon as this caller's own signal aborts. */
  async wait(signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted();
    this.waiters += 1;
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.outcome, left.promise]);
    } finally {
      signal?.removeEventListener('abort', leave);
      this.waiters -= 1;
      if (this.waiters === 0 && !this.settled) {
        this.controller.abort(signal?.reason ?? new Error('nobody waits for it any more'));
      }
    }
  }

  /** Stops it for everybody, and waits until it has. */
  async stop(reason: unknown): Promise<void> {
    this.controller.abort(reason);
    await this.outcome.catch(() => {});
  }
}
