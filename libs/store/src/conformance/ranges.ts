import { describe, expect, it } from 'vitest';
import type { Page, Store } from '../store.js';
import { put, remove, text, type StoreHarness } from './harness.js';

async function allPages(store: Store, prefix: string, limit: number): Promise<Page[]> {
  const pages = [await store.range(prefix, { limit })];
  for (let last = pages[0]; last?.next; last = pages.at(-1)) {
    pages.push(await store.range(prefix, { limit, start: last.next, revision: last.revision }));
  }
  return pages;
}

/** Order, prefixes, pages at one revision, the past, compaction. */
export function ranges(harness: () => StoreHarness): void {
  describe('ranges', () => {
    orderAndPages(harness);
    limitsOfRanges(harness);
  });
}

function orderAndPages(harness: () => StoreHarness): void {
  it('orders keys by their bytes and keeps prefixes apart', async () => {
    const store = harness().store();
    const keys = ['r/é', 'r/a', 'r/a/b', 'r/😀', 'r/\u{ffff}', 'r/B', 'r/a.b', 'r/a\u0000'];
    for (const key of [...keys, 'r', 'r0', 's/a', 'q/z']) await put(store, key, key);
    const page = await store.range('r/');
    const expected = keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(page.entries.map((entry) => entry.key)).toEqual(expected);
    expect(await store.count('r/')).toBe(keys.length);
    expect(await store.count('')).toBeGreaterThanOrEqual(keys.length + 4);
    expect((await store.range('nothing/')).entries).toEqual([]);
  });

  it('pages a range at one revision while it changes', async () => {
    const store = harness().store();
    for (let index = 0; index < 25; index += 1) await put(store, `p/${100 + index}`, 'old');
    const first = await store.range('p/', { limit: 10 });
    expect(first).toMatchObject({ remaining: 15, next: 'p/109\0' });
    for (let index = 0; index < 30; index += 1) await put(store, `p/${100 + index}`, 'new');
    await remove(store, 'p/115');
    const rest = await store.range('p/', { ...first, limit: 10, start: first.next });
    const last = await store.range('p/', { ...first, limit: 10, start: rest.next });
    const entries = [first, rest, last].flatMap((page) => page.entries);
    expect(entries.map((entry) => entry.key)).toEqual(
      Array.from({ length: 25 }, (_, index) => `p/${100 + index}`),
    );
    expect(entries.every((entry) => text(entry.value) === 'old')).toBe(true);
    expect([rest.remaining, last.remaining, last.next]).toEqual([5, 0, undefined]);
    expect([rest.revision, last.revision]).toEqual([first.revision, first.revision]);
  });

  it('ends before a given key, and counts no further', async () => {
    const store = harness().store();
    for (const key of ['e/a', 'e/b', 'e/c', 'e/d']) await put(store, key, '');
    const page = await store.range('e/', { limit: 1, start: 'e/b', end: 'e/d' });
    expect(page).toMatchObject({ entries: [{ key: 'e/b' }], remaining: 1 });
    const { revision, next } = page;
    const last = await store.range('e/', { start: next!, end: 'e/d', revision });
    expect(last.entries.map(({ key }) => key)).toEqual(['e/c']);
    expect(last.next).toBeUndefined();
    expect((await store.range('e/', { start: 'e/c1', end: 'e/d' })).entries).toEqual([]);
  });

  it('ends a range that fills its last page exactly', async () => {
    const store = harness().store();
    for (let index = 0; index < 6; index += 1) await put(store, `exact/${index}`, '');
    const pages = await allPages(store, 'exact/', 3);
    expect(pages.map((page) => [page.entries.length, page.remaining])).toEqual([
      [3, 3],
      [3, 0],
    ]);
  });
}

function limitsOfRanges(harness: () => StoreHarness): void {
  it('reads pages whose values are larger than one message may be', async () => {
    const store = harness().store();
    const value = new Uint8Array(1_400_000);
    for (let index = 0; index < 60; index += 1) {
      await store.transact([], [{ type: 'put', key: `big/${100 + index}`, value }]);
    }
    const pages = await allPages(store, 'big/', 500);
    expect(pages.reduce((sum, page) => sum + page.entries.length, 0)).toBe(60);
    for (let index = 0; index < 60; index += 1) await remove(store, `big/${100 + index}`);
  });

  it('refuses the future and the compacted past', async () => {
    const store = harness().store();
    const old = await put(store, 'c/a', '1');
    const now = await put(store, 'c/a', '2');
    await expect(store.range('c/', { revision: now + 1000n })).rejects.toMatchObject({
      reason: 'Timeout',
    });
    expect(text((await store.range('c/', { revision: old })).entries[0]?.value)).toBe('1');
    await store.compact(now);
    await store.compact(now);
    await expect(store.range('c/', { revision: old })).rejects.toMatchObject({
      reason: 'Expired',
    });
    expect(text((await store.range('c/', { revision: now })).entries[0]?.value)).toBe('2');
    expect(text((await store.get('c/a'))?.value)).toBe('2');
  });
}
