import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unavailable } from '@gantry/base';
import { describeStore } from '../conformance/store-suite.js';
import { bytes, put, until, type StoreHarness } from '../conformance/harness.js';
import type { StoreEvent, WatchOptions } from '../store.js';
import { EmbeddedStore } from './embedded-store.js';

const progressIntervalMs = 200;

function inMemory(): StoreHarness {
  const store = new EmbeddedStore({ progressIntervalMs });
  // Memory has no crash to survive.
  return {
    store: () => store,
    other: () => store,
    crash: async () => {},
    stop: () => store.close(),
  };
}

/** A store whose process may die: what it has not answered by then, it never answers. */
class MortalStore extends EmbeddedStore {
  private readonly death = new AbortController();

  die(): void {
    this.death.abort();
  }

  override async transact(...request: Parameters<EmbeddedStore['transact']>) {
    const result = await super.transact(...request);
    if (this.death.signal.aborted) throw unavailable('it died');
    return result;
  }

  override async *watch(prefix: string, options: WatchOptions): AsyncGenerator<StoreEvent> {
    const signal = AbortSignal.any([options.signal, this.death.signal]);
    for await (const event of super.watch(prefix, { ...options, signal })) {
      if (this.death.signal.aborted) break;
      yield event;
    }
    if (!options.signal.aborted) throw unavailable('it died');
  }
}

/** A crash leaves what the files hold at that moment: they are copied while the store is open. */
async function inFile(): Promise<StoreHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-store-'));
  let generation = 0;
  const open = () => {
    const file = join(directory, String(generation), 'store.db');
    return new MortalStore({ file, progressIntervalMs });
  };
  mkdirSync(join(directory, '0'));
  let store = open();
  return {
    store: () => store,
    other: () => store,
    async crash() {
      const before = store;
      const from = join(directory, String(generation));
      generation += 1;
      // In one turn, so that nothing is acknowledged between the copy and the crash.
      cpSync(from, join(directory, String(generation)), { recursive: true });
      before.die();
      store = open();
      await before.close();
    },
    async stop() {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describeStore('EmbeddedStore in memory', async () => inMemory());
describeStore('EmbeddedStore in a file', inFile);

describe('EmbeddedStore', () => {
  let directory: string;
  let mounted: string | undefined;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gantry-store-'));
  });
  afterEach(async () => {
    if (mounted) execFileSync('umount', [mounted]);
    mounted = undefined;
    await rm(directory, { recursive: true, force: true });
  });

  it('belongs to one process at a time, and says so to the next', async () => {
    const file = join(directory, 'store.db');
    const first = new EmbeddedStore({ file });
    expect(() => new EmbeddedStore({ file })).toThrow(
      `open store ${file}: another control plane is using it; stop that one first`,
    );
    await first.close();
    await new EmbeddedStore({ file }).close();
  });

  it('refuses a file that is no store, and a directory that is not there', async () => {
    const file = join(directory, 'text');
    await writeFile(
      file,
      'this is not a database at all, it is a text of some length\n'.repeat(99),
    );
    expect(() => new EmbeddedStore({ file })).toThrow('file is not a database');
    expect(() => new EmbeddedStore({ file: join(directory, 'no/where') })).toThrow('open store');
  });

  it('is found again with all it held, but without what hung on leases', async () => {
    const file = join(directory, 'store.db');
    const first = new EmbeddedStore({ file });
    const lease = await first.grantLease(10);
    const kept = await put(first, 'kept', '1');
    const leased = { type: 'put', key: 'leased', value: bytes(''), lease: lease.id } as const;
    const { revision } = await first.transact([], [leased]);
    for (const part of ['', '-wal']) cpSync(`${file}${part}`, `${file}-copy${part}`);
    const second = new EmbeddedStore({ file: `${file}-copy` });
    expect(await second.get('kept')).toMatchObject({ modRevision: kept });
    expect(await second.get('leased')).toBeUndefined();
    expect((await second.range('')).revision).toBe(revision + 1n);
    await Promise.all([first.close(), second.close()]);
    expect(lease.lost.aborted).toBe(true);
  });

  it('keeps what hangs on a term over a restart, until the term ends', async () => {
    const file = join(directory, 'store.db');
    const first = new EmbeddedStore({ file });
    const [short, long] = [await first.grantTerm(0.001), await first.grantTerm(600)];
    for (const [key, lease] of Object.entries({ short, long })) {
      const put = { type: 'put', key, value: bytes(''), lease } as const;
      await first.transact([], [put]);
    }
    await first.close();
    const second = new EmbeddedStore({ file });
    await until(async () => !(await second.get('short')), 'the term to end');
    expect(await second.get('long')).toMatchObject({ leaseId: long });
    const again = { type: 'put', key: 'again', value: bytes(''), lease: long } as const;
    expect(await second.transact([], [again])).toMatchObject({ committed: true });
    await second.close();
  });

  it('writes nothing when the disk is full, says so, and goes on when there is room', async () => {
    mounted = join(directory, 'small');
    mkdirSync(mounted);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'gantry-test', mounted]);
    const store = new EmbeddedStore({ file: join(mounted, 'store.db') });
    const before = await put(store, 'before', 'x');
    const filler = join(mounted, 'filler');
    await writeFile(filler, Buffer.alloc(600 * 1024));
    const large = { type: 'put', key: 'large', value: new Uint8Array(700 * 1024) } as const;
    await expect(store.transact([], [large])).rejects.toMatchObject({
      reason: 'ServiceUnavailable',
      message: expect.stringContaining('full'),
    });
    expect(await store.get('large')).toBeUndefined();
    expect((await store.range('')).revision).toBe(before);
    await rm(filler);
    expect(await put(store, 'after', 'x')).toBe(before + 1n);
    await store.close();
  });
});
