/**
 * Wakes one loop that has run out of work. A ring while nobody waits is not kept: the loop looks for
 * work before it waits.
 */
export class Bell {
  private wake: (() => void) | undefined;

  ring(): void {
    this.wake?.();
  }

  /** Resolves at the next ring, or when the signal aborts. */
  async rung(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      signal?.addEventListener('abort', this.ringer, { once: true });
    });
    signal?.removeEventListener('abort', this.ringer);
    this.wake = undefined;
  }

  private readonly ringer = () => this.ring();
}
