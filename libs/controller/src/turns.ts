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

export const turns = new Turns();
