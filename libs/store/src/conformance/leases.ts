import { describe, expect, it } from 'vitest';
import { bytes, Follower, put, text, until, type StoreHarness } from './harness.js';

/** Keys that vanish with their lease. */
export function leases(harness: () => StoreHarness): void {
  describe('leases', () => {
    it('removes its keys when it is revoked, which watchers see', async () => {
      const store = harness().store();
      const start = await put(store, 'l/stays', '');
      const follower = new Follower(harness(), 'l/', start);
      const lease = await store.grantLease(10);
      for (const key of ['l/a', 'l/b']) {
        await store.transact([], [{ type: 'put', key, value: bytes(''), lease: lease.id }]);
      }
      expect(await store.get('l/a')).toMatchObject({ leaseId: lease.id });
      expect(lease.lost.aborted).toBe(false);
      await lease.revoke();
      await lease.revoke();
      expect(lease.lost.aborted).toBe(true);
      await until(() => follower.changes.length === 4, 'two puts and two deletions');
      await follower.stop();
      expect((await store.range('l/')).entries.map((entry) => entry.key)).toEqual(['l/stays']);
    });

    it('lets go of a key that is written without it', async () => {
      const store = harness().store();
      const lease = await store.grantLease(10);
      await store.transact([], [{ type: 'put', key: 'l2/a', value: bytes(''), lease: lease.id }]);
      await put(store, 'l2/a', 'free');
      await lease.revoke();
      const found = await store.get('l2/a');
      expect([text(found?.value), found?.leaseId]).toEqual(['free', undefined]);
    });

    it('refuses a write on a lease that is gone', async () => {
      const store = harness().store();
      const lease = await store.grantLease(10);
      await lease.revoke();
      const put = { type: 'put', key: 'l3/a', value: bytes(''), lease: lease.id } as const;
      await expect(store.transact([], [put])).rejects.toMatchObject({ reason: 'Conflict' });
      expect(await store.get('l3/a')).toBeUndefined();
    });

    it('ends a term by itself, with all that was written on it meanwhile', async () => {
      const store = harness().store();
      const [short, long] = [await store.grantTerm(2), await store.grantTerm(600)];
      const write = (key: string, lease: string) =>
        store.transact([], [{ type: 'put', key, value: bytes(''), lease }]);
      await write('l5/short', short);
      await write('l5/moved', short);
      await write('l5/moved', long);
      const left = async () => (await store.range('l5/')).entries.map(({ key }) => key);
      expect(await left()).toEqual(['l5/moved', 'l5/short']);
      await until(async () => (await left()).length === 1, 'the term to end');
      expect(await left()).toEqual(['l5/moved']);
      await expect(write('l5/late', short)).rejects.toMatchObject({ reason: 'Conflict' });
    });

    it('lives as long as its holder', async () => {
      const store = harness().store();
      const lease = await store.grantLease(2);
      await store.transact([], [{ type: 'put', key: 'l4/a', value: bytes(''), lease: lease.id }]);
      const grantedAt = Date.now();
      await until(
        () => Date.now() - grantedAt > lease.ttlSeconds * 1_000 + 1_500,
        'the ttl to pass',
      );
      expect(lease.lost.aborted).toBe(false);
      expect(await store.get('l4/a')).toBeDefined();
      await lease.revoke();
    });
  });
}
