import { silentLogger } from '@gantry/base';
import { EmbeddedStore } from '@gantry/store';
import { ManualClock } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Compaction } from './compaction.js';

let store: EmbeddedStore;
const clock = new ManualClock();

beforeEach(() => {
  store = new EmbeddedStore();
});
afterEach(() => store.close());

async function write(times: number): Promise<bigint> {
  let revision = 0n;
  for (let index = 0; index < times; index += 1) {
    const put = { type: 'put', key: 'k', value: new Uint8Array() } as const;
    revision = (await store.transact([], [put])).revision;
  }
  return revision;
}

describe('Compaction', () => {
  it('drops what is older than the round before, and nothing younger', async () => {
    const compaction = new Compaction(store, clock, silentLogger, 1_000);
    const old = await write(300);
    const first = await compaction.round(undefined);
    expect((await store.range('k', { revision: old })).entries).toHaveLength(1);
    const recent = await write(300);
    const second = await compaction.round(first);
    expect(second).toBeGreaterThan(recent);
    await expect(store.range('k', { revision: old })).rejects.toMatchObject({ reason: 'Expired' });
    expect((await store.range('k', { revision: recent })).entries).toHaveLength(1);
    expect((await store.range('k', { revision: first })).entries).toHaveLength(1);
  });

  it('writes nothing while nothing happens', async () => {
    const compaction = new Compaction(store, clock, silentLogger, 1_000);
    let mark = await compaction.round(undefined);
    const { revision } = await store.range('');
    for (let rounds = 0; rounds < 10; rounds += 1) mark = await compaction.round(mark);
    expect((await store.range('')).revision).toBe(revision);
  });

  it('runs every interval until the term ends', async () => {
    const compaction = new Compaction(store, clock, silentLogger, 1_000);
    const term = new AbortController();
    const fence = { key: 'leader', modRevision: 1n };
    const running = compaction.run({ signal: term.signal, fence });
    const before = await write(300);
    clock.advance(1_000);
    await expect.poll(() => store.get('compaction')).toBeDefined();
    await write(300);
    await expect.poll(() => clock.pending).toBe(1);
    clock.advance(1_000);
    const past = () => store.range('k', { revision: before }).catch((error: Error) => error.name);
    await expect.poll(past).toBe('ExpiredError');
    term.abort();
    await running;
  });
});
