/** Work goes on for so long at a stretch; the clock is looked at between so many items. */
const maxSliceMs = 5;
const itemsBetweenLooks = 64;

/**
 * Work that can wait goes on in slices, of which there is one in each round of the event loop, however many have such
 * work: whoever answers a request or waits for one then waits for one slice and not for all.
 */
class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Resolves when the next slice may begin. */
  next(): Promise<unknown> {
    return (this.last = this.last.then(() => new Promise(setImmediate)));
  }
}

const turns = new Turns();

/** Does the work for each item while others have their turn, until the signal aborts. */
export async function inSlices<T>(
  items: Iterable<T>,
  work: (item: T) => void,
  signal?: AbortSignal,
): Promise<void> {
  let sliceStartMs = performance.now();
  let done = 0;
  for (const item of items) {
    work(item);
    done += 1;
    if (done % itemsBetweenLooks > 0 || performance.now() - sliceStartMs < maxSliceMs) continue;
    await turns.next();
    if (signal?.aborted) return;
    sliceStartMs = performance.now();
  }
}
