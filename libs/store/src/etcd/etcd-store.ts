import { silentLogger, systemClock, unavailable, type Clock, type Logger } from '@gantry/base';
import { Etcd3, type IOptions } from 'etcd3';
import { oneByOne } from '../change.js';
import { checkTransaction } from '../request-limits.js';
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
import { channelOptions, Connections, type EtcdCredentials } from './connection.js';
import { neverSent, tooLargeToReceive, toStoreError } from './errors.js';
import { faultHandling } from './fault-handling.js';
import { KeptLease } from './lease.js';
import { watchPrefix } from './watcher.js';
import { TransactionBatches } from './transaction-batches.js';
import { prefixEnd, prefixStart, toEntry } from './wire.js';
import type { RawKeyValue } from './connection.js';

const defaultLimit = 500;
const defaultRequestTimeoutMs = 4_000;
const defaultProgressIntervalMs = 5_000;

/** Attempts of a read, and of a write that provably was not sent. */
const maxAttempts = 3;

export interface EtcdStoreOptions {
  /** `http://HOST:PORT` or `https://HOST:PORT` of each member. */
  readonly endpoints: readonly string[];
  readonly credentials?: EtcdCredentials;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** How long one request may take, in milliseconds (default 4,000). */
  readonly requestTimeoutMs?: number;
  /** How often a watch without events asks how far it is, in milliseconds (default 5,000). */
  readonly progressIntervalMs?: number;
}

/**
 * The store on etcd 3.4 or newer. Reads are linearizable; writes whose fate is unknown are not
 * retried.
 */
export class EtcdStore implements Store {
  private readonly client: Etcd3;
  private readonly connections: Connections;
  private readonly leases = new Set<KeptLease>();
  private readonly asking = new Set<() => void>();
  private readonly batches: TransactionBatches;
  private readonly closing = new AbortController();
  private readonly logger: Logger;

  constructor(private readonly options: EtcdStoreOptions) {
    this.logger = options.logger ?? silentLogger;
    this.client = new Etcd3(this.clientOptions());
    this.connections = new Connections(options.endpoints, options.credentials);
    const { requestTimeoutMs: timeoutMs = defaultRequestTimeoutMs } = options;
    this.batches = new TransactionBatches((request) =>
      this.attempt('write', neverSent, () => this.connections.transact(request, timeoutMs)),
    );
  }

  async get(key: string): Promise<Entry | undefined> {
    const request = { key: Buffer.from(key) };
    const answer = await this.read('read key', () => this.client.kv.range(request));
    const [found] = answer.kvs as RawKeyValue[];
    return found && toEntry(found);
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<Page> {
    const limit = options.limit ?? defaultLimit;
    const start = options.start !== undefined && options.start > prefix ? options.start : prefix;
    const request = {
      key: prefixStart(start),
      rangeEnd:
        options.end === undefined ? prefixEnd(Buffer.from(prefix)) : Buffer.from(options.end),
      limit,
      ...(options.revision === undefined ? {} : { revision: options.revision }),
    };
    try {
      const { requestTimeoutMs = defaultRequestTimeoutMs } = this.options;
      const answer = await this.read('read range', () =>
        this.connections.range(request, requestTimeoutMs),
      );
      const { entries } = answer;
      const remaining = answer.count - entries.length;
      const last = entries.at(-1);
      const revision = options.revision ?? answer.revision;
      const next = last && remaining > 0 ? { next: `${last.key}\0` } : {};
      return { entries, revision, remaining, ...next };
    } catch (error) {
      const cause = (error as Error).cause;
      if (limit <= 1 || !tooLargeToReceive(cause)) throw error;
      return this.range(prefix, { ...options, limit: Math.ceil(limit / 4) });
    }
  }

  async count(prefix: string): Promise<number> {
    const request = {
      key: prefixStart(prefix),
      range_end: prefixEnd(Buffer.from(prefix)),
      count_only: true,
    };
    const answer = await this.read('count keys', () => this.client.kv.range(request));
    return Number(answer.count);
  }

  async transact(
    preconditions: readonly Precondition[],
    operations: readonly Operation[],
  ): Promise<TransactionResult> {
    checkTransaction(preconditions, operations);
    this.checkOpen();
    return this.batches.transact(preconditions, operations);
  }

  watch(prefix: string, options: WatchOptions): AsyncGenerator<StoreEvent> {
    return oneByOne(this.watchBatches(prefix, options), options.signal);
  }

  async *watchBatches(
    prefix: string,
    options: WatchOptions,
  ): AsyncGenerator<readonly StoreEvent[]> {
    this.checkOpen();
    const signal = AbortSignal.any([options.signal, this.closing.signal]);
    yield* watchPrefix(
      prefix,
      { ...options, signal },
      {
        connections: this.connections,
        clock: this.options.clock ?? systemClock,
        logger: this.logger,
        progressIntervalMs: this.options.progressIntervalMs ?? defaultProgressIntervalMs,
        asking: this.asking,
      },
    );
    if (!options.signal.aborted) this.checkOpen();
  }

  requestProgress(): void {
    for (const ask of this.asking) ask();
  }

  async grantLease(ttlSeconds: number): Promise<Lease> {
    const sentAt = performance.now();
    const answer = await this.attempt('grant lease', neverSent, () =>
      this.client.leaseClient.leaseGrant({ TTL: ttlSeconds }),
    );
    const granted = Number(answer.TTL);
    const lease = new KeptLease(this.client, answer.ID, granted, sentAt, this.logger, (gone) =>
      this.leases.delete(gone),
    );
    this.leases.add(lease);
    return lease;
  }

  async grantTerm(seconds: number): Promise<LeaseId> {
    const answer = await this.attempt('grant term', neverSent, () =>
      this.client.leaseClient.leaseGrant({ TTL: seconds }),
    );
    return answer.ID;
  }

  async compact(revision: Revision): Promise<void> {
    try {
      await this.attempt('compact', neverSent, () =>
        this.client.kv.compact({ revision: revision.toString() }),
      );
    } catch (error) {
      // Somebody else has compacted further, which is what was wanted.
      if ((error as { reason?: string }).reason !== 'Expired') throw error;
    }
  }

  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    await Promise.all([...this.leases].map((lease) => lease.revoke()));
    this.closing.abort();
    this.connections.close();
    this.client.close();
  }

  private checkOpen(): void {
    if (this.closing.signal.aborted) throw unavailable('the store is closed');
  }

  private read<T>(step: string, call: () => Promise<T>): Promise<T> {
    return this.attempt(
      step,
      (error) => toStoreError(step, error).reason === 'ServiceUnavailable',
      call,
    );
  }

  private async attempt<T>(
    step: string,
    mayRetry: (error: unknown) => boolean,
    call: () => Promise<T>,
  ): Promise<T> {
    this.checkOpen();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await call();
      } catch (error) {
        if (attempt >= maxAttempts || !mayRetry(error) || this.closing.signal.aborted) {
          throw toStoreError(`${step} in etcd`, error);
        }
      }
    }
  }

  private clientOptions(): IOptions {
    const { endpoints, credentials, requestTimeoutMs = defaultRequestTimeoutMs } = this.options;
    return {
      hosts: [...endpoints],
      grpcOptions: channelOptions,
      faultHandling: faultHandling(endpoints.length),
      defaultCallOptions: (context) =>
        context.isStream ? {} : { deadline: Date.now() + requestTimeoutMs },
      ...(credentials
        ? {
            credentials: {
              rootCertificate: credentials.ca,
              ...(credentials.key && credentials.certificate
                ? { privateKey: credentials.key, certChain: credentials.certificate }
                : {}),
            },
          }
        : {}),
    };
  }
}
