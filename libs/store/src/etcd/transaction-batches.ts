import { operationBytes } from '../request-limits.js';
import type { Operation, Precondition, TransactionResult } from '../store.js';
import {
  decodeTransactions,
  encodeTransactions,
  type Transaction,
} from './transaction-messages.js';

/** Requests under way at a time; transactions that come meanwhile wait and then share one. */
const maxRequests = 4;
/** Transactions in one request, and the largest that may share: etcd counts both against its 128. */
const maxShared = 48;
const maxSharedSize = 64;
const maxSharedBytes = 256 * 1024;

interface Job extends Transaction {
  readonly bytes: number;
  readonly done: PromiseWithResolvers<TransactionResult>;
}

/** Has a lease, which may be gone and would then refuse all that share the request, or is large. */
function mustGoAlone({ preconditions, operations, bytes }: Job): boolean {
  return (
    Math.max(preconditions.length, operations.length) > maxSharedSize ||
    bytes > maxSharedBytes ||
    operations.some((operation) => operation.type === 'put' && operation.lease !== undefined)
  );
}

/**
 * Sends transactions to etcd, those that come while others are under way together: each is a nested
 * transaction with guards of its own, so one that does not hold stops no other, and all share one consensus
 * round and one flush to disk. Those that could see each other's writes never share a request, since etcd
 * evaluates all guards first.
 */
export class TransactionBatches {
  private waiting: Job[] = [];
  private underWay = 0;

  constructor(private readonly send: (request: Buffer) => Promise<Buffer>) {}

  transact(
    preconditions: readonly Precondition[],
    operations: readonly Operation[],
  ): Promise<TransactionResult> {
    const bytes = operations.reduce((sum, operation) => sum + operationBytes(operation), 0);
    const done = Promise.withResolvers<TransactionResult>();
    this.waiting.push({ preconditions, operations, bytes, done });
    this.next();
    return done.promise;
  }

  private next(): void {
    while (this.underWay < maxRequests && this.waiting.length > 0) {
      this.underWay += 1;
      void this.run(this.take()).finally(() => {
        this.underWay -= 1;
        this.next();
      });
    }
  }

  /** The first that waits and all that may share its request, in the order in which they came. */
  private take(): Job[] {
    const [first, ...others] = this.waiting as [Job, ...Job[]];
    const shared = [first];
    if (others.length === 0 || mustGoAlone(first)) {
      this.waiting = others;
      return shared;
    }
    const left: Job[] = [];
    const keys = new TouchedKeys(first);
    for (const job of others) {
      const joins = shared.length < maxShared && !mustGoAlone(job) && keys.join(job);
      (joins ? shared : left).push(job);
    }
    this.waiting = left;
    return shared;
  }

  private async run(jobs: readonly Job[]): Promise<void> {
    try {
      const answer = await this.send(encodeTransactions(jobs));
      const results = decodeTransactions(answer, jobs.length);
      jobs.forEach(({ done }, i) => done.resolve(results[i]!));
    } catch (error) {
      for (const job of jobs) job.done.reject(error);
    }
  }
}

/** What the transactions of one request read and write. */
class TouchedKeys {
  private readonly guarded = new Set<string>();
  private readonly written = new Set<string>();
  private bytes = 0;

  constructor(first: Job) {
    this.add(first);
  }

  /** Takes the job in, unless it would see a write of the others or they one of its own. */
  join(job: Job): boolean {
    const isClear =
      this.bytes + job.bytes <= maxSharedBytes &&
      job.preconditions.every(({ key }) => !this.written.has(key)) &&
      job.operations.every(({ key }) => !this.written.has(key) && !this.guarded.has(key));
    if (isClear) this.add(job);
    return isClear;
  }

  private add({ preconditions, operations, bytes }: Job): void {
    for (const { key } of preconditions) this.guarded.add(key);
    for (const { key } of operations) this.written.add(key);
    this.bytes += bytes;
  }
}
