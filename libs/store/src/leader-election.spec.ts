import { silentLogger } from '@gantry/base';
import { startEtcd, TcpProxy, type EtcdServer } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EtcdStore } from './etcd/etcd-store.js';
import { LeaderElection, type Leadership } from './leader-election.js';
import type { Store } from './store.js';

const ttlSeconds = 2;
let etcd: EtcdServer;
let link: TcpProxy;
const closing: (() => Promise<void>)[] = [];

/** One of several processes that want to lead. */
class Candidate {
  terms = 0;
  /** Whom it found leading. */
  readonly found: string[] = [];
  term: Leadership | undefined;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(
    readonly store: Store,
    identity: string,
  ) {
    const election = new LeaderElection(store, {
      key: 'leader',
      identity,
      ttlSeconds,
      standby: (leader) => this.found.push(leader),
      logger: silentLogger,
    });
    this.running = election.run(this.stopping.signal, (term) => this.lead(term));
    closing.push(() => this.stop());
  }

  get leading(): boolean {
    return this.term !== undefined;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async lead(term: Leadership): Promise<void> {
    this.terms += 1;
    this.term = term;
    await new Promise<void>((resolve) => {
      term.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.term = undefined;
  }
}

function candidate(identity: string, endpoint = etcd.endpoint): Candidate {
  const store = new EtcdStore({ endpoints: [endpoint], requestTimeoutMs: 1_000 });
  const started = new Candidate(store, identity);
  closing.push(() => store.close());
  return started;
}

const write = (store: Store, term: Leadership, value: string) =>
  store.transact([term.fence], [{ type: 'put', key: 'work', value: Buffer.from(value) }]);

beforeEach(async () => {
  etcd = await startEtcd();
  link = await TcpProxy.start(etcd.port);
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await link.close();
  await etcd.stop();
});

describe('LeaderElection', () => {
  it('has one leader, and hands over at once when it stops', async () => {
    const one = candidate('one');
    await expect.poll(() => one.leading).toBe(true);
    const two = candidate('two');
    const held = await two.store.get('leader');
    expect(JSON.parse(Buffer.from(held!.value).toString())).toEqual({ identity: 'one' });
    expect(held?.modRevision).toBe(one.term?.fence.modRevision);
    await expect.poll(() => two.found).toEqual(['one']);
    expect([one.found, two.leading]).toEqual([[], false]);
    const startedAt = performance.now();
    await one.stop();
    await expect.poll(() => two.leading).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(ttlSeconds * 1_000);
  });

  it('replaces a leader that is cut off, who knows it before and can write nothing more', async () => {
    const lost = candidate('lost', link.endpoint);
    await expect.poll(() => lost.leading).toBe(true);
    const term = lost.term as Leadership;
    const next = candidate('next');
    link.freeze();
    await expect.poll(() => next.leading, { timeout: 12_000, interval: 5 }).toBe(true);
    expect(lost.leading).toBe(false);
    expect(term.signal.aborted).toBe(true);
    const stale = await write(next.store, term, 'stale');
    expect(stale.committed).toBe(false);
    expect((await write(next.store, next.term as Leadership, 'fresh')).committed).toBe(true);
    link.heal();
    await next.stop();
    await expect.poll(() => lost.leading, { timeout: 15_000 }).toBe(true);
  }, 40_000);

  it('gives the term up when its key is taken away', async () => {
    const one = candidate('one');
    await expect.poll(() => one.leading).toBe(true);
    const { signal } = one.term as Leadership;
    await one.store.transact([], [{ type: 'delete', key: 'leader' }]);
    await expect.poll(() => signal.aborted).toBe(true);
    await expect.poll(() => one.terms, { timeout: 5_000 }).toBe(2);
  });

  it('keeps its leader while etcd restarts quickly', async () => {
    const one = candidate('one');
    await expect.poll(() => one.leading).toBe(true);
    const { signal } = one.term as Leadership;
    await etcd.kill();
    await etcd.start();
    await expect
      .poll(async () => (await write(one.store, one.term as Leadership, 'x')).committed, {
        timeout: 10_000,
      })
      .toBe(true);
    // Where the restart took longer than the lease, a new term is as good.
    expect(one.terms).toBe(signal.aborted ? 2 : 1);
  });

  it('seeks the leadership again when its work fails', async () => {
    const store = new EtcdStore({ endpoints: [etcd.endpoint] });
    const options = { key: 'leader', identity: 'weak', ttlSeconds, logger: silentLogger };
    const stopping = new AbortController();
    let terms = 0;
    const running = new LeaderElection(store, options).run(stopping.signal, async () => {
      terms += 1;
      throw new Error('cannot');
    });
    await expect.poll(() => terms, { timeout: 5_000 }).toBeGreaterThan(1);
    stopping.abort();
    await running;
    expect(await store.get('leader')).toBeUndefined();
    await store.close();
  });
});
