import { describeError, GantryError, unavailable } from '@gantry/base';
import type { Database } from './database.js';

/** Most writes that share one SQLite transaction, and so one flush to the disk. */
const maxBatch = 512;

interface Job {
  run(): void;
  succeed(): void;
  fail(error: unknown): void;
}

/**
 * Collects the writes of one turn of the event loop into one SQLite transaction. A write's promise
 * settles after the commit, so what is acknowledged is on the disk; reads in between see only
 * committed state because a batch runs without interruption.
 */
export class GroupCommit {
  private readonly waiting: Job[] = [];
  private scheduled = false;

  /**
   * `afterCommit` runs once per batch that reached the disk, `afterRollback` once per one that did
   * not.
   */
  constructor(
    private readonly database: Database,
    private readonly hooks: { afterCommit(): void; afterRollback(): void },
  ) {}

  /**
   * Runs `write` in the next batch. When the batch cannot be committed, none of it has happened.
   */
  submit<T>(write: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let result: T;
      let refusal: unknown;
      this.waiting.push({
        run() {
          try {
            result = write();
          } catch (error) {
            // An operating error concerns one caller; anything else ends the whole batch.
            if (!(error instanceof GantryError)) throw error;
            refusal = error;
          }
        },
        succeed: () => (refusal === undefined ? resolve(result) : reject(refusal)),
        fail: reject,
      });
      this.schedule();
    });
  }

  /** Runs what is waiting at once. */
  flush(): void {
    while (this.waiting.length > 0) this.runBatch(this.waiting.splice(0, maxBatch));
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.runBatch(this.waiting.splice(0, maxBatch));
      if (this.waiting.length > 0) this.schedule();
    });
  }

  private runBatch(batch: Job[]): void {
    if (batch.length === 0) return;
    try {
      this.database.begin();
      for (const job of batch) job.run();
      this.database.commit();
    } catch (error) {
      this.database.rollback();
      this.hooks.afterRollback();
      const failure = unavailable(`write to store ${this.database.file}: ${describeError(error)}`, {
        cause: error,
      });
      for (const job of batch) job.fail(failure);
      return;
    }
    this.hooks.afterCommit();
    for (const job of batch) job.succeed();
  }
}
