import { Backoff, delay, describeError, type Clock, type Logger } from '@gantry/base';
import type { Revision, Store } from '@gantry/store';

/** Keys `sessions/NODE` are written by the agents' gateway and vanish with the session or its control plane. */
const prefix = 'sessions/';

/** Which nodes have an agent connected to any control plane, kept current by a watch. */
export class NodeSessions {
  private connected = new Set<string>();
  private readonly listeners = new Set<(node: string) => void>();
  private readonly filled = Promise.withResolvers<void>();

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Resolves when the first list is known. */
  get synced(): Promise<void> {
    return this.filled.promise;
  }

  has(node: string): boolean {
    return this.connected.has(node);
  }

  get size(): number {
    return this.connected.size;
  }

  /** Told of each node whose session appears or disappears. */
  subscribe(listener: (node: string) => void): void {
    this.listeners.add(listener);
  }

  /** Follows until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 50, maxMs: 5_000, jitter: 0.5 });
    while (!signal.aborted) {
      try {
        await this.follow(await this.fill(), signal);
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        this.logger.warn({}, `watch node sessions: ${describeError(error)}`);
        await delay(this.clock, backoff.next(), signal).catch(() => {});
      }
    }
  }

  private async fill(): Promise<Revision> {
    const found = new Set<string>();
    let revision: Revision | undefined;
    let start: string | undefined;
    do {
      const at = revision === undefined ? {} : { revision };
      const page = await this.store.range(prefix, { ...(start ? { start } : {}), ...at });
      for (const { key } of page.entries) found.add(key.slice(prefix.length));
      revision = page.revision;
      start = page.next;
    } while (start !== undefined);
    const before = this.connected;
    this.connected = found;
    for (const node of new Set([...found, ...before])) {
      if (found.has(node) !== before.has(node)) this.tell(node);
    }
    this.filled.resolve();
    return revision;
  }

  private async follow(after: Revision, signal: AbortSignal): Promise<void> {
    for await (const event of this.store.watch(prefix, { after, signal })) {
      if (event.type === 'progress') continue;
      const node = (event.type === 'put' ? event.entry.key : event.key).slice(prefix.length);
      if (event.type === 'put') this.connected.add(node);
      else this.connected.delete(node);
      this.tell(node);
    }
  }

  private tell(node: string): void {
    for (const listener of this.listeners) listener(node);
  }
}
