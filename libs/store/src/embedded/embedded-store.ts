import { compacted, GantryError, systemClock, unavailable, type Clock } from '@gantry/base';
import { changeKey, changeRevision, oneByOne, type Change } from '../change.js';
import { checkTransaction, futureRevision } from '../request-limits.js';
import type {
  Entry,
  Lease,
  LeaseId,
  Operation,
  Page,
  Precondition,
  RangeOptions,
  Revision,
  Store,
  StoreEvent,
  TransactionResult,
  WatchOptions,
} from '../store.js';
import { ChangeFeed } from './change-feed.js';
import { Database, prefixRange } from './database.js';
import { GroupCommit } from './group-commit.js';

const defaultLimit = 500;
const defaultProgressIntervalMs = 5_000;

/** Most changes read from the file in one step of a watcher that lags behind. */
const maxChangesPerRead = 1_000;

export interface EmbeddedStoreOptions {
  /**
   * The SQLite file, created when missing, owned by one process; without it the store is in memory.
   */
  readonly file?: string;
  /** How often a watcher without events says how far it is, in milliseconds (default 5,000). */
  readonly progressIntervalMs?: number;
  readonly clock?: Clock;
}

/**
 * The store of a single machine and of simulations, on Node's own SQLite. Its leases belong to the
 * process: they are never lost while it runs, and gone, with their keys, when the file is opened
 * again. Terms end when they end, in whatever process: that is looked for with each progress event.
 */
export class EmbeddedStore implements Store {
  private readonly database: Database;
  private readonly commits: GroupCommit;
  private readonly feed: ChangeFeed;
  private readonly leases = new Map<LeaseId, AbortController>();
  private readonly closing = new AbortController();
  private readonly clock: Clock;
  private readonly stopTicking: () => void;
  private revision: Revision;
  /** The revision and the changes of the batch that is being written. */
  private pending: { revision: Revision; changes: Change[] };
  private ticks = 0;

  constructor(options: EmbeddedStoreOptions = {}) {
    this.database = new Database(options.file ?? ':memory:');
    this.revision = this.database.meta('revision');
    this.pending = { revision: this.revision, changes: [] };
    this.feed = new ChangeFeed(this.revision);
    this.commits = new GroupCommit(this.database, {
      afterCommit: () => this.publish(),
      afterRollback: () => {
        this.pending = { revision: this.revision, changes: [] };
      },
    });
    this.clock = options.clock ?? systemClock;
    this.deleteKeys(this.database.leasedByProcess());
    this.endTerms();
    this.stopTicking = this.tickEvery(options.progressIntervalMs ?? defaultProgressIntervalMs);
  }

  async get(key: string): Promise<Entry | undefined> {
    this.checkOpen();
    return this.database.get(key);
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<Page> {
    this.checkOpen();
    const whole = prefixRange(prefix, options.start);
    const range = options.end === undefined ? whole : { ...whole, end: options.end };
    const limit = options.limit ?? defaultLimit;
    const past = options.revision;
    if (past !== undefined) this.checkRevision(past);
    const entries =
      past === undefined
        ? this.database.range(range, limit)
        : this.database.rangeAt(range, limit, past);
    const revision = past ?? this.revision;
    const last = entries.at(-1);
    if (entries.length < limit || !last) return { entries, revision, remaining: 0 };
    const rest = { start: `${last.key}\0`, end: range.end };
    const remaining =
      past === undefined ? this.database.count(rest) : this.database.countAt(rest, past);
    return { entries, revision, remaining, ...(remaining > 0 ? { next: rest.start } : {}) };
  }

  async count(prefix: string): Promise<number> {
    this.checkOpen();
    return this.database.count(prefixRange(prefix));
  }

  async transact(
    preconditions: readonly Precondition[],
    operations: readonly Operation[],
  ): Promise<TransactionResult> {
    this.checkOpen();
    checkTransaction(preconditions, operations);
    return this.commits.submit(() => this.write(preconditions, operations));
  }

  watch(prefix: string, options: WatchOptions): AsyncGenerator<StoreEvent> {
    return oneByOne(this.watchBatches(prefix, options), options.signal);
  }

  async *watchBatches(
    prefix: string,
    options: WatchOptions,
  ): AsyncGenerator<readonly StoreEvent[]> {
    this.checkOpen();
    if (options.signal.aborted) return;
    let position = options.after ?? this.revision;
    let ticks = this.ticks;
    if (options.after === undefined) yield [{ type: 'progress', revision: position }];
    else this.checkHistory(options.after);
    while (!options.signal.aborted) {
      this.checkOpen();
      const step = this.changesAfter(prefix, position);
      position = step.through;
      if (step.changes.length > 0) yield step.changes;
      if (options.signal.aborted) return;
      if (step.more) continue;
      if (ticks !== this.ticks) {
        ticks = this.ticks;
        yield [{ type: 'progress', revision: position }];
      }
      if (position >= this.revision) await this.feed.next(options.signal);
    }
  }

  requestProgress(): void {
    this.ticks += 1;
    this.feed.wake();
  }

  async grantLease(ttlSeconds: number): Promise<Lease> {
    this.checkOpen();
    const id = crypto.randomUUID();
    const lost = new AbortController();
    this.leases.set(id, lost);
    const revoke = async () => {
      if (!this.leases.delete(id)) return;
      lost.abort(new Error('lease revoked'));
      if (this.closing.signal.aborted) return;
      await this.commits.submit(() => this.writeDeletes(this.database.leased(id)));
    };
    return { id, ttlSeconds, lost: lost.signal, revoke };
  }

  async grantTerm(seconds: number): Promise<LeaseId> {
    this.checkOpen();
    const id = crypto.randomUUID();
    const endsMs = this.clock.now() + seconds * 1_000;
    await this.commits.submit(() => this.database.addTerm(id, endsMs));
    return id;
  }

  async compact(revision: Revision): Promise<void> {
    this.checkOpen();
    if (revision > this.revision) throw futureRevision(revision, this.revision);
    await this.commits.submit(() => {
      if (revision > this.database.meta('compacted')) this.database.compact(revision);
    });
  }

  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.stopTicking();
    for (const lost of this.leases.values()) lost.abort(new Error('store closed'));
    this.leases.clear();
    this.commits.flush();
    this.deleteKeys(this.database.leasedByProcess());
    this.closing.abort();
    this.feed.wake();
    this.database.close();
  }

  private write(
    preconditions: readonly Precondition[],
    operations: readonly Operation[],
  ): TransactionResult {
    const found = preconditions.map(({ key }) => this.database.get(key));
    const holds = preconditions.every(
      (wanted, index) => (found[index]?.modRevision ?? 0n) === wanted.modRevision,
    );
    if (!holds) return { committed: false, revision: this.pending.revision, failed: found };
    for (const operation of operations) this.checkLease(operation);
    const revision = this.pending.revision + 1n;
    const changes = operations
      .map((operation, position) =>
        operation.type === 'put'
          ? this.database.put(revision, position, operation)
          : this.database.delete(revision, position, operation.key),
      )
      .filter((change) => change !== undefined);
    this.stage(revision, changes as Change[]);
    return { committed: true, revision: this.pending.revision };
  }

  private stage(revision: Revision, changes: readonly Change[]): void {
    if (changes.length === 0) return;
    this.database.setMeta('revision', revision);
    this.pending.revision = revision;
    this.pending.changes.push(...changes);
  }

  private writeDeletes(keys: readonly string[]): void {
    // A lease may hold more keys than one transaction may name; each revision takes what fits.
    const atOnce = 128;
    for (let from = 0; from < keys.length; from += atOnce) {
      const revision = this.pending.revision + 1n;
      const changes = keys
        .slice(from, from + atOnce)
        .map((key, position) => this.database.delete(revision, position, key))
        .filter((change) => change !== undefined);
      this.stage(revision, changes as Change[]);
    }
  }

  private deleteKeys(keys: readonly string[]): void {
    if (keys.length === 0) return;
    void this.commits.submit(() => this.writeDeletes(keys));
    this.commits.flush();
  }

  /** Takes away what hangs on terms that are over. */
  private endTerms(): void {
    for (const id of this.database.endedTerms(this.clock.now())) {
      const deletion = this.commits.submit(() => {
        this.writeDeletes(this.database.leased(id));
        this.database.deleteTerm(id);
      });
      // On a full disk it is tried again with the next tick.
      deletion.catch(() => {});
    }
  }

  private publish(): void {
    const { revision, changes } = this.pending;
    this.revision = revision;
    this.pending = { revision, changes: [] };
    if (changes.length > 0) this.feed.publish(changes);
  }

  private changesAfter(
    prefix: string,
    position: Revision,
  ): { changes: Change[]; through: Revision; more: boolean } {
    const through = this.revision;
    const recent = this.feed.after(position);
    if (recent) {
      const changes = recent.filter((change) => changeKey(change).startsWith(prefix));
      return { changes, through, more: false };
    }
    this.checkHistory(position);
    const range = prefixRange(prefix);
    const changes = this.database.changes(range, position, maxChangesPerRead) as Change[];
    const last = changes.at(-1);
    if (!last) return { changes, through, more: false };
    return { changes, through: changeRevision(last), more: true };
  }

  private checkLease(operation: Operation): void {
    if (operation.type !== 'put' || !operation.lease) return;
    const { lease } = operation;
    if (this.leases.has(lease) || this.database.hasTerm(lease)) return;
    throw new GantryError('Conflict', `lease ${lease} does not exist or has expired`);
  }

  private checkRevision(revision: Revision): void {
    if (revision > this.revision) throw futureRevision(revision, this.revision);
    if (revision < this.database.meta('compacted')) throw compacted();
  }

  /** Whether every change after this revision is still known. */
  private checkHistory(after: Revision): void {
    if (after + 1n < this.database.meta('compacted')) throw compacted();
  }

  private checkOpen(): void {
    if (this.closing.signal.aborted) throw unavailable('the store is closed');
  }

  private tickEvery(intervalMs: number): () => void {
    let cancel: () => void;
    const arm = () => {
      cancel = this.clock.after(intervalMs, () => {
        this.requestProgress();
        this.endTerms();
        arm();
      });
    };
    arm();
    return () => cancel();
  }
}
