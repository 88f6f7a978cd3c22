import { describeError, type Logger } from '@gantry/base';
import type { Lease, Store } from '@gantry/store';

/** What `sessions/NODE` says: which control plane holds the node's stream, and where it answers. */
export interface SessionEntry {
  readonly controlPlane: string;
  /** HOST:PORT of its API. */
  readonly address: string;
  readonly since: string;
}

export const sessionPrefix = 'sessions/';

/** The lease outlives a short hiccup of the store; sessions of a dead control plane go with it, in seconds. */
const leaseSeconds = 15;

const encode = (entry: SessionEntry) => new TextEncoder().encode(JSON.stringify(entry));

export function decodeSession(value: Uint8Array): SessionEntry {
  return JSON.parse(new TextDecoder().decode(value)) as SessionEntry;
}

/** The keys by which everyone can tell that a node is connected, and to whom. They hang on one lease. */
export class SessionKeys {
  private lease?: Promise<Lease>;
  private readonly held = new Map<string, SessionEntry>();
  private isClosed = false;

  constructor(
    private readonly store: Store,
    private readonly logger: Logger,
  ) {}

  /** Says that this node's session is here now. */
  async put(node: string, entry: SessionEntry): Promise<void> {
    this.held.set(node, entry);
    await this.write(node, entry);
  }

  /** Takes it back, unless another control plane has the session by now. */
  async remove(node: string): Promise<void> {
    const entry = this.held.get(node);
    this.held.delete(node);
    if (!entry) return;
    const key = sessionPrefix + node;
    const stored = await this.store.get(key);
    if (!stored || decodeSession(stored.value).controlPlane !== entry.controlPlane) return;
    const { modRevision } = stored;
    await this.store.transact([{ key, modRevision }], [{ type: 'delete', key }]);
  }

  async find(node: string): Promise<SessionEntry | undefined> {
    const stored = await this.store.get(sessionPrefix + node);
    return stored && decodeSession(stored.value);
  }

  /** All sessions of the cluster by node. */
  async all(): Promise<Map<string, SessionEntry>> {
    const sessions = new Map<string, SessionEntry>();
    let start: string | undefined;
    do {
      const page = await this.store.range(sessionPrefix, { start });
      for (const { key, value } of page.entries) {
        sessions.set(key.slice(sessionPrefix.length), decodeSession(value));
      }
      start = page.next;
    } while (start !== undefined);
    return sessions;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const lease = await this.lease?.catch(() => undefined);
    await lease?.revoke();
  }

  private async write(node: string, entry: SessionEntry): Promise<void> {
    const lease = await this.currentLease();
    const value = encode(entry);
    const put = { type: 'put', key: sessionPrefix + node, value, lease: lease.id } as const;
    await this.store.transact([], [put]);
  }

  private currentLease(): Promise<Lease> {
    this.lease ??= this.grant();
    return this.lease;
  }

  private async grant(): Promise<Lease> {
    try {
      const lease = await this.store.grantLease(leaseSeconds);
      lease.lost.addEventListener('abort', () => this.lost(), { once: true });
      return lease;
    } catch (error) {
      this.lease = undefined;
      throw error;
    }
  }

  /** The store has dropped the keys: they are written anew under another lease. */
  private lost(): void {
    this.lease = undefined;
    if (this.isClosed) return;
    for (const [node, entry] of this.held) this.rewrite(node, entry);
  }

  private rewrite(node: string, entry: SessionEntry): void {
    this.write(node, entry).catch((error: unknown) => {
      this.logger.warn(
        { node, err: describeError(error) },
        'session key not written; trying again',
      );
      setTimeout(() => {
        if (!this.isClosed && this.held.get(node) === entry) this.rewrite(node, entry);
      }, 1000).unref();
    });
  }
}
