/** Time as a dependency, so that simulations and tests own it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `delayMs`; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The second that was written last: most objects of a second carry the same text. */
let written = { second: NaN, text: '' };

/** RFC 3339 in whole seconds, as metav1.Time is written. */
export function timestamp(epochMs: number): string {
  const second = Math.floor(epochMs / 1000);
  if (second !== written.second) {
    const text = new Date(second * 1000).toISOString().replace('.000Z', 'Z');
    written = { second, text };
  }
  return written.text;
}

/** Resolves after `delayMs` or rejects with the signal's reason as soon as it aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
