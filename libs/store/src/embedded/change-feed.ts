import { changeRevision, type Change } from '../change.js';
import type { Revision } from '../store.js';

/** Most changes, and most bytes of values, that are kept in memory for watchers. */
const maxRecentChanges = 2048;
const maxRecentBytes = 8 * 1024 * 1024;

function valueBytes(change: Change): number {
  const now = change.type === 'put' ? change.entry.value.length : 0;
  return now + (change.previous?.value.length ?? 0);
}

/** The latest changes in memory, shared by all watchers, and the bell that wakes them. */
export class ChangeFeed {
  private recent: Change[] = [];
  private bytes = 0;
  private waiters = new Set<() => void>();

  /** All changes after `floor` are in memory. */
  constructor(private floor: Revision) {}

  publish(changes: readonly Change[]): void {
    for (const change of changes) {
      this.recent.push(change);
      this.bytes += valueBytes(change);
    }
    this.trim();
    this.wake();
  }

  /** The changes after a revision, or undefined when memory does not reach back that far. */
  after(revision: Revision): Change[] | undefined {
    if (revision < this.floor) return undefined;
    let low = 0;
    let high = this.recent.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const change = this.recent[middle];
      if (change && changeRevision(change) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.recent.slice(low);
  }

  wake(): void {
    const waiting = this.waiters;
    this.waiters = new Set();
    for (const ring of waiting) ring();
  }

  /** Resolves at the next change, wake or abort. */
  async next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let ring: () => void = () => {};
    await new Promise<void>((resolve) => {
      ring = resolve;
      this.waiters.add(ring);
      signal.addEventListener('abort', ring, { once: true });
    });
    this.waiters.delete(ring);
    signal.removeEventListener('abort', ring);
  }

  private trim(): void {
    if (this.recent.length <= maxRecentChanges && this.bytes <= maxRecentBytes) return;
    // Half goes at once, so that trimming costs little per change; a transaction goes whole,
    // because
    // half of one would look like all of it.
    let drop = 0;
    while (this.isDropped(drop)) {
      const change = this.recent[drop] as Change;
      this.bytes -= valueBytes(change);
      this.floor = changeRevision(change);
      drop += 1;
    }
    this.recent = this.recent.slice(drop);
  }

  private isDropped(index: number): boolean {
    const change = this.recent[index];
    if (!change) return false;
    const tooMany = this.recent.length - index > maxRecentChanges / 2;
    return tooMany || this.bytes > maxRecentBytes / 2 || changeRevision(change) === this.floor;
  }
}
