import { describe, expect, it } from 'vitest';
import { bytes, put, text, type StoreHarness } from './harness.js';

/** Transactions that come at once, which a store may carry out together. */
export function simultaneous(harness: () => StoreHarness): void {
  describe('simultaneous transactions', () => {
    it('hold or fail each by itself', async () => {
      const store = harness().store();
      const before = await put(store, 'many/taken', 'x');
      const guard = { key: 'many/taken', modRevision: before };
      const writes = Array.from({ length: 200 }, (_, i) => {
        const own = { key: i % 5 === 0 ? 'many/taken' : `many/${i}`, modRevision: 0n };
        return store.transact([guard, own], [{ type: 'put', key: `many/${i}`, value: bytes('') }]);
      });
      const results = await Promise.all(writes);
      results.forEach((result, i) => {
        expect(result.committed).toBe(i % 5 !== 0);
        if (!result.committed) expect(result.failed[1]?.modRevision).toBe(before);
      });
      expect(await store.count('many/')).toBe(161);
    });

    it('never both pass guards that the other one breaks', async () => {
      const store = harness().store();
      for (let round = 0; round < 20; round += 1) {
        const [a, b] = [`skew/${round}/a`, `skew/${round}/b`];
        const keep = Array.from({ length: 8 }, (_, i) => put(store, `skew/busy/${i}`, 'x'));
        const take = (mine: string, other: string) =>
          store.transact(
            [{ key: other, modRevision: 0n }],
            [{ type: 'put', key: mine, value: bytes('') }],
          );
        const both = await Promise.all([take(a, b), take(b, a)]);
        expect(both.filter(({ committed }) => committed)).toHaveLength(1);
        await Promise.all(keep);
      }
    });

    it('write the same key one after the other', async () => {
      const store = harness().store();
      const writes = Array.from({ length: 60 }, (_, i) => put(store, 'same/key', String(i)));
      const revisions = await Promise.all(writes);
      expect(new Set(revisions).size).toBe(60);
      const last = revisions.findIndex((revision) => revisions.every((r) => r <= revision));
      expect(text((await store.get('same/key'))?.value)).toBe(String(last));
    });

    it('do not suffer from one whose lease is gone', async () => {
      const store = harness().store();
      const lease = await store.grantLease(30);
      await lease.revoke();
      const writes = Array.from({ length: 20 }, (_, i) => put(store, `lease/${i}`, 'x'));
      const late = { type: 'put', key: 'lease/late', value: bytes(''), lease: lease.id } as const;
      await expect(store.transact([], [late])).rejects.toMatchObject({ reason: 'Conflict' });
      await Promise.all(writes);
      expect(await store.count('lease/')).toBe(20);
    });
  });
}
