/**
 * A revision of the whole store: grows by at least one with each committed write, never repeats.
 */
export type Revision = bigint;

/** One key with its value as bytes, and the revisions between which this value has stood. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly leaseId?: LeaseId;
}

/**
 * One page of a range, read at one revision; `next` is the key at which the following page starts.
 */
export interface Page {
  readonly entries: readonly Entry[];
  readonly revision: Revision;
  readonly next?: string;
  /** How many entries of the range lie behind this page. */
  readonly remaining: number;
}

/** What must hold for a transaction to commit. A key that does not exist has modRevision 0. */
export interface Precondition {
  readonly key: string;
  readonly modRevision: Revision;
}

export type Operation =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: Uint8Array;
      readonly lease?: LeaseId;
    }
  | { readonly type: 'delete'; readonly key: string };

/** `failed` holds the current entries (or undefined) of the preconditions' keys, in their order. */
export type TransactionResult =
  | { readonly committed: true; readonly revision: Revision }
  | {
      readonly committed: false;
      readonly revision: Revision;
      readonly failed: readonly (Entry | undefined)[];
    };

/** One change of one key, in revision order; events of one transaction share their revision. */
export type StoreEvent =
  | { readonly type: 'put'; readonly entry: Entry; readonly previous?: Entry }
  | {
      readonly type: 'delete';
      readonly key: string;
      readonly revision: Revision;
      readonly previous?: Entry;
    }
  /** Nothing below or at this revision is still to come. */
  | { readonly type: 'progress'; readonly revision: Revision };

export type LeaseId = string;

/** A lease whose keys vanish when it is revoked or not kept alive for `ttlSeconds`. */
export interface Lease {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  /** Aborted as soon as the lease must be presumed lost; its holder must stop acting on it. */
  readonly lost: AbortSignal;
  /** Removes the lease and its keys; never throws when it is already gone. */
  revoke(): Promise<void>;
}

export interface WatchOptions {
  /**
   * Events after this revision (exclusive). Without it: from now on, which a first progress event
   * names.
   */
  readonly after?: Revision;
  /** Changes come without what was there before, which takes the store a read for each of them. */
  readonly withoutPrevious?: boolean;
  readonly signal: AbortSignal;
}

export interface RangeOptions {
  /** At most this many entries (default 500). */
  readonly limit?: number;
  /** First key of the page, from the previous page's `next`. */
  readonly start?: string;
  /** First key that is no longer meant; `remaining` and `next` are about what lies before it. */
  readonly end?: string;
  /** Read the past at this revision, so that all pages show one state; Expired when it is gone. */
  readonly revision?: Revision;
}

/**
 * The only truth of a cluster. Keys are UTF-8 strings ordered by their bytes; values at most 1.5
 * MB. Errors are GantryErrors: ServiceUnavailable when no answer can be had in time (a write may or
 * may not have happened), Expired when a revision's history is gone, Timeout for a revision that is
 * not reached yet, RequestEntityTooLarge, Conflict for a write on a lease that is gone.
 */
export interface Store {
  get(key: string): Promise<Entry | undefined>;
  /** Entries whose key starts with `prefix`. */
  range(prefix: string, options?: RangeOptions): Promise<Page>;
  count(prefix: string): Promise<number>;
  /** All operations or none, at one revision (etcd's Txn; at most 128 operations). */
  transact(
    preconditions: readonly Precondition[],
    operations: readonly Operation[],
  ): Promise<TransactionResult>;
  /**
   * Every change under `prefix` exactly once and in order, across reconnects and server restarts.
   * Ends when the signal aborts; throws Expired when history was lost, never silently skips.
   */
  watch(prefix: string, options: WatchOptions): AsyncIterable<StoreEvent>;
  /** The same, with what came together in one step; no transaction is torn apart. */
  watchBatches(prefix: string, options: WatchOptions): AsyncIterable<readonly StoreEvent[]>;
  /**
   * Has each watch tell soon how far it is, by a progress event, if it has nothing else to tell. One that is
   * behind may pass it over: ask again.
   */
  requestProgress(): void;
  grantLease(ttlSeconds: number): Promise<Lease>;
  /**
   * A lease that nobody keeps: its keys vanish when this many seconds have passed (five more at most in the embedded
   * store, two at least in etcd), whatever becomes of the process that asked for it.
   */
  grantTerm(seconds: number): Promise<LeaseId>;
  /** Drops history before `revision`; the control plane's leader calls it on a schedule. */
  compact(revision: Revision): Promise<void>;
  close(): Promise<void>;
}
