import { Backoff, delay, describeError, type Clock, type Logger, systemClock } from '@gantry/base';
import type { Lease, Precondition, Revision, Store } from './store.js';

/** A term of leadership. */
export interface Leadership {
  /** Aborted as soon as another may lead; everything done as a leader must stop then. */
  readonly signal: AbortSignal;
  /** Holds exactly while this term lasts: a write that carries it cannot land after a takeover. */
  readonly fence: Precondition;
}

export interface LeaderElectionOptions {
  /** The key that the leader holds. */
  readonly key: string;
  /** Who is asking, for people to read in the key's value. */
  readonly identity: string;
  /** A leader that dies is replaced after this time, in seconds (default 6). */
  readonly ttlSeconds?: number;
  /** Told whenever it is found that somebody leads already, and who; a process may find its own name of before. */
  readonly standby?: (leader: string) => void;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** Elects one of several processes by a key on a lease. */
export class LeaderElection {
  private readonly clock: Clock;

  constructor(
    private readonly store: Store,
    private readonly options: LeaderElectionOptions,
  ) {
    this.clock = options.clock ?? systemClock;
  }

  /**
   * Campaigns until the signal aborts. `lead` is called for each term won and must return soon
   * after its signal aborts; when it returns or throws by itself, the leadership is given up and
   * sought again. A clean stop hands over at once.
   */
  async run(signal: AbortSignal, lead: (leadership: Leadership) => Promise<void>): Promise<void> {
    const backoff = new Backoff({ baseMs: 200, maxMs: 2_000, jitter: 0.5 });
    while (!signal.aborted) {
      try {
        if (await this.term(signal, lead)) backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        this.options.logger.warn({ err: error }, `leader election: ${describeError(error)}`);
      }
      if (!signal.aborted) await delay(this.clock, backoff.next(), signal).catch(() => {});
    }
  }

  /** Waits for the key to be free, takes it and leads; false when another was faster. */
  private async term(
    signal: AbortSignal,
    lead: (leadership: Leadership) => Promise<void>,
  ): Promise<boolean> {
    await this.waitUntilFree(signal);
    if (signal.aborted) return false;
    const lease = await this.store.grantLease(this.options.ttlSeconds ?? 6);
    try {
      const revision = await this.take(lease);
      if (revision === undefined) return false;
      await this.lead(lease, revision, signal, lead);
      return true;
    } finally {
      await lease.revoke();
    }
  }

  private async take(lease: Lease): Promise<Revision | undefined> {
    const { key, identity } = this.options;
    const value = new TextEncoder().encode(JSON.stringify({ identity }));
    const free = { key, modRevision: 0n };
    const put = { type: 'put', key, value, lease: lease.id } as const;
    const result = await this.store.transact([free], [put]);
    return result.committed ? result.revision : undefined;
  }

  private async lead(
    lease: Lease,
    revision: Revision,
    signal: AbortSignal,
    lead: (leadership: Leadership) => Promise<void>,
  ): Promise<void> {
    const { key, identity, logger } = this.options;
    const deposed = new AbortController();
    const ended = new AbortController();
    const term = AbortSignal.any([signal, lease.lost, deposed.signal]);
    const watching = this.watchKey(revision, AbortSignal.any([term, ended.signal]), () =>
      deposed.abort(new Error('the election key was taken away')),
    );
    logger.info({ identity, revision: String(revision) }, 'leading');
    try {
      await lead({ signal: term, fence: { key, modRevision: revision } });
    } finally {
      ended.abort();
      await watching;
      logger.info({ identity, reason: String(term.reason ?? 'done') }, 'no longer leading');
    }
  }

  /** Calls back when the key is changed or removed by anyone. */
  private async watchKey(after: Revision, signal: AbortSignal, changed: () => void): Promise<void> {
    try {
      for await (const event of this.store.watch(this.options.key, { after, signal })) {
        if (event.type === 'put' && event.entry.key !== this.options.key) continue;
        if (event.type === 'delete' && event.key !== this.options.key) continue;
        if (event.type !== 'progress') return changed();
      }
    } catch {
      // Unknown is as bad as changed.
      changed();
    }
  }

  private async waitUntilFree(signal: AbortSignal): Promise<void> {
    const { key, identity, logger, standby } = this.options;
    const page = await this.store.range(key, { limit: 1 });
    const [held] = page.entries;
    if (held?.key !== key) return;
    const leader = identityIn(held.value);
    logger.info({ identity, leader }, 'standing by: another leads');
    standby?.(leader);
    for await (const event of this.store.watch(key, { after: page.revision, signal })) {
      if (event.type === 'delete' && event.key === key) return;
    }
  }
}

function identityIn(value: Uint8Array): string {
  try {
    const { identity } = JSON.parse(new TextDecoder().decode(value)) as { identity?: unknown };
    return String(identity);
  } catch {
    return 'unknown';
  }
}
