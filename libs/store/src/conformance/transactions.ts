import { describe, expect, it } from 'vitest';
import { maxOperations, maxRequestBytes } from '../request-limits.js';
import { bytes, create, put, remove, text, type StoreHarness } from './harness.js';

/** Compare-and-set, atomicity, revisions, limits. */
export function transactions(harness: () => StoreHarness): void {
  describe('transactions', () => {
    compareAndSet(harness);
    atomicity(harness);
    values(harness);
    contention(harness);
  });
}

function compareAndSet(harness: () => StoreHarness): void {
  it('creates a key only once', async () => {
    const store = harness().store();
    const first = await create(store, 'tx/once', 'a');
    const second = await create(store, 'tx/once', 'b');
    expect(first.committed).toBe(true);
    expect(second).toMatchObject({ committed: false });
    const found = await store.get('tx/once');
    expect(text(found?.value)).toBe('a');
    expect(found?.modRevision).toBe(first.revision);
    expect(second.committed || second.failed[0]).toEqual(found);
  });

  it('replaces a value only when nobody was faster', async () => {
    const store = harness().store();
    const one = await put(store, 'tx/cas', '1');
    const operations = [{ type: 'put', key: 'tx/cas', value: bytes('2') }] as const;
    const won = await store.transact([{ key: 'tx/cas', modRevision: one }], operations);
    const lost = await store.transact([{ key: 'tx/cas', modRevision: one }], operations);
    expect([won.committed, lost.committed]).toEqual([true, false]);
    const entry = await store.get('tx/cas');
    expect(entry).toMatchObject({ createRevision: one, modRevision: won.revision });
  });

  it('does all operations at one revision or none', async () => {
    const store = harness().store();
    const before = await put(store, 'tx/all/old', 'x');
    const operations = [
      { type: 'put', key: 'tx/all/a', value: bytes('a') },
      { type: 'delete', key: 'tx/all/old' },
      { type: 'put', key: 'tx/all/b', value: bytes('b') },
    ] as const;
    const refused = await store.transact([{ key: 'tx/all/a', modRevision: 7n }], operations);
    expect(refused).toMatchObject({ committed: false, failed: [undefined] });
    expect(await store.count('tx/all/')).toBe(1);
    const done = await store.transact([{ key: 'tx/all/old', modRevision: before }], operations);
    const page = await store.range('tx/all/');
    expect(page.entries.map((entry) => [entry.key, entry.modRevision])).toEqual([
      ['tx/all/a', done.revision],
      ['tx/all/b', done.revision],
    ]);
  });
}

function atomicity(harness: () => StoreHarness): void {
  it('knows that a deleted and created key is new', async () => {
    const store = harness().store();
    const first = await put(store, 'tx/again', '1');
    await remove(store, 'tx/again');
    expect(await store.get('tx/again')).toBeUndefined();
    const second = await put(store, 'tx/again', '2');
    expect(second).toBeGreaterThan(first);
    expect(await store.get('tx/again')).toMatchObject({ createRevision: second });
  });

  it('keeps the revision when nothing was there to delete', async () => {
    const store = harness().store();
    const before = await put(store, 'tx/none', '1');
    expect(await remove(store, 'tx/absent')).toBe(before);
  });
}

function values(harness: () => StoreHarness): void {
  it('carries empty, binary and very large values', async () => {
    const store = harness().store();
    const large = new Uint8Array(maxRequestBytes - 100).map((_, index) => index % 251);
    for (const value of [new Uint8Array(0), Uint8Array.of(0, 255, 128), large]) {
      await store.transact([], [{ type: 'put', key: 'tx/binary', value }]);
      const found = await store.get('tx/binary');
      expect(Buffer.compare(found?.value ?? bytes('missing'), value)).toBe(0);
    }
  });

  it('refuses what is too large, and stores nothing of it', async () => {
    const store = harness().store();
    const value = new Uint8Array(maxRequestBytes);
    const large = store.transact([], [{ type: 'put', key: 'tx/large', value }]);
    await expect(large).rejects.toMatchObject({ reason: 'RequestEntityTooLarge' });
    const many = Array.from({ length: maxOperations + 1 }, (_, index) => {
      return { type: 'put', key: `tx/large/${index}`, value: bytes('') } as const;
    });
    await expect(store.transact([], many)).rejects.toThrow('129 operations is over the limit');
    expect(await store.count('tx/large')).toBe(0);
    const most = await store.transact([], many.slice(1));
    expect(most.committed).toBe(true);
  });
}

function contention(harness: () => StoreHarness): void {
  it('lets of many concurrent writers exactly one win each round', async () => {
    const stores = [harness().store(), harness().other()];
    await put(stores[0]!, 'tx/counter', '0');
    const rounds = 15;
    const increment = async (store: (typeof stores)[number]) => {
      for (let done = 0; done < rounds;) {
        const entry = await store.get('tx/counter');
        const value = bytes(String(Number(text(entry?.value)) + 1));
        const result = await store.transact(
          [{ key: 'tx/counter', modRevision: entry?.modRevision ?? 0n }],
          [{ type: 'put', key: 'tx/counter', value }],
        );
        if (result.committed) done += 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => increment(stores[index % 2]!)));
    expect(text((await stores[1]!.get('tx/counter'))?.value)).toBe(String(8 * rounds));
  });
}
