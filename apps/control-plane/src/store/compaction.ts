import { delay, type Clock, type Logger } from '@gantry/base';
import type { Leadership, Revision, Store } from '@gantry/store';
import type { LeaderService } from '../leader/leader.js';

const key = 'compaction';

/** With fewer changes than this there is nothing worth dropping. */
const minChanges = 200n;

/**
 * Drops history that is older than one interval. Each round marks a revision with a write of its
 * own and compacts up to the mark of the round before: a watcher that is not further behind than
 * that never notices, and the mark, being a put, hides no deletion from one that starts right
 * there.
 */
export class Compaction implements LeaderService {
  readonly name = 'compaction';

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly intervalMs: number,
  ) {}

  async run({ signal }: Leadership): Promise<void> {
    let mark: Revision | undefined;
    while (!signal.aborted) {
      await delay(this.clock, this.intervalMs, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        mark = await this.round(mark);
      } catch (error) {
        this.logger.warn({ err: error }, 'compaction failed; trying again in the next round');
      }
    }
  }

  /** One round; returns the mark for the next. */
  async round(mark: Revision | undefined): Promise<Revision> {
    const { revision } = await this.store.range(key, { limit: 1 });
    if (mark !== undefined && revision - mark < minChanges) return mark;
    const value = new TextEncoder().encode(JSON.stringify({ compactUpTo: String(mark ?? 0n) }));
    const marked = await this.store.transact([], [{ type: 'put', key, value }]);
    if (mark !== undefined) {
      await this.store.compact(mark);
      this.logger.debug({ revision: String(mark) }, 'compacted');
    }
    return marked.revision;
  }
}
