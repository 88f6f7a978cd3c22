import { describe, expect, it } from 'vitest';
import { changeKey, changeRevision, type Change } from '../change.js';
import type { StoreEvent } from '../store.js';
import {
  bytes,
  Follower,
  put,
  putSurely,
  remove,
  text,
  until,
  type StoreHarness,
} from './harness.js';

/** From a revision, in order, exactly once, through crashes; compaction surfaced. */
export function watches(harness: () => StoreHarness): void {
  describe('watches', () => {
    content(harness);
    sizes(harness);
    crashes(harness);
    quietAndEnd(harness);
  });
}

function content(harness: () => StoreHarness): void {
  it('delivers what came after a revision, with previous values, and then what comes', async () => {
    const store = harness().store();
    const start = await put(store, 'w/a', '1');
    await put(store, 'w/a', '2');
    await put(store, 'wx/other', '');
    const follower = new Follower(harness(), 'w/', start);
    await until(() => follower.changes.length === 1, 'the past');
    await put(store, 'w/b', '1');
    const deleted = await remove(store, 'w/a');
    await until(() => follower.changes.length === 3, 'the future');
    await follower.stop();
    const [second, created, gone] = follower.changes;
    expect(second).toMatchObject({ type: 'put', previous: { modRevision: start } });
    expect(created?.previous).toBeUndefined();
    expect(gone).toMatchObject({ type: 'delete', key: 'w/a', revision: deleted });
    expect(text(gone?.previous?.value)).toBe('2');
  });

  it('delivers the same changes to those who do not want what was before', async () => {
    const store = harness().store();
    const after = await put(store, 'bare/a', '1');
    const [changed, deleted] = [await put(store, 'bare/a', '2'), await remove(store, 'bare/a')];
    const stopping = new AbortController();
    const options = { after, withoutPrevious: true, signal: stopping.signal };
    const seen: Change[] = [];
    for await (const event of store.watch('bare/', options)) {
      if (event.type !== 'progress') seen.push(event);
      if (seen.length === 2) stopping.abort();
    }
    expect(seen).toMatchObject([
      { type: 'put', entry: { key: 'bare/a', modRevision: changed } },
      { type: 'delete', key: 'bare/a', revision: deleted },
    ]);
  });

  it('says how far it is when it is asked', async () => {
    const store = harness().store();
    const follower = new Follower(harness(), 'asked/', await put(store, 'asked/a', '1'));
    const elsewhere = await put(store, 'beside/b', '1');
    const isTold = () => {
      harness().store().requestProgress();
      return follower.progress >= elsewhere;
    };
    await until(isTold, 'the progress');
    await follower.stop();
    expect(follower.changes).toEqual([]);
  });

  it('says from where it watches when it is not told', async () => {
    const store = harness().store();
    const before = await put(store, 'now/a', '1');
    const stopping = new AbortController();
    const events: StoreEvent[] = [];
    const watching = (async () => {
      for await (const event of store.watch('now/', { signal: stopping.signal })) {
        events.push(event);
      }
    })();
    // More of them may come before anybody looks.
    await until(() => events.length > 0, 'the beginning');
    expect(events[0]).toEqual({ type: 'progress', revision: before });
    await put(store, 'now/b', '1');
    await until(() => events.some((event) => event.type === 'put'), 'the change');
    stopping.abort();
    await watching;
  });
}

function sizes(harness: () => StoreHarness): void {
  it('delivers a transaction whole and in its order', async () => {
    const store = harness().store();
    const start = await put(store, 'batch/gone', '1');
    const puts = Array.from({ length: 100 }, (_, index) => {
      return { type: 'put', key: `batch/${999 - index}`, value: bytes('') } as const;
    });
    const done = await store.transact([], [...puts, { type: 'delete', key: 'batch/gone' }]);
    const follower = new Follower(harness(), 'batch/', start);
    await until(() => follower.changes.length === 101, 'the transaction');
    await follower.stop();
    expect(follower.keys()).toEqual([...puts.map(({ key }) => key), 'batch/gone']);
    expect(new Set(follower.changes.map(changeRevision))).toEqual(new Set([done.revision]));
  });

  it('shows large values to a watcher that starts late', async () => {
    const store = harness().store();
    const start = await put(store, 'late/start', '');
    const value = new Uint8Array(1_000_000);
    for (let index = 0; index < 12; index += 1) {
      await store.transact([], [{ type: 'put', key: `late/${index}`, value }]);
    }
    const follower = new Follower(harness(), 'late/', start);
    await until(() => follower.changes.length === 12, 'twelve large values');
    await follower.stop();
    expect(new Set(follower.keys()).size).toBe(12);
  });
}

function crashes(harness: () => StoreHarness): void {
  it('catches up over thousands of changes while more of them come', async () => {
    const store = harness().store();
    const start = await put(store, 'behind/start', '');
    const batch = async (number: number) => {
      const operations = Array.from({ length: 100 }, (_, index) => {
        return { type: 'put', key: `behind/${number}/${index}`, value: bytes('x') } as const;
      });
      await store.transact([], operations);
    };
    for (let number = 0; number < 30; number += 1) await batch(number);
    const follower = new Follower(harness(), 'behind/', start);
    for (let number = 30; number < 40; number += 1) await batch(number);
    await until(() => follower.changes.length >= 4_000, 'all changes');
    await follower.stop();
    expect(follower.changes).toHaveLength(4_000);
    expect(new Set(follower.keys()).size).toBe(4_000);
  });

  it('loses and repeats nothing when the server crashes again and again', async () => {
    const start = await put(harness().store(), 'crash/start', '');
    const follower = new Follower(harness(), 'crash/', start);
    const acknowledged = new Map<string, bigint>();
    const write = async (from: number) => {
      for (let index = from; index < 120; index += 3) {
        const key = `crash/${index}`;
        acknowledged.set(key, await putSurely(harness(), key, `value ${index}`));
      }
    };
    const writing = Promise.all([write(0), write(1), write(2)]);
    for (const threshold of [20, 60]) {
      await until(() => acknowledged.size >= threshold, `${threshold} writes`);
      await harness().crash();
    }
    await writing;
    await until(() => follower.changes.length >= 120, 'all changes');
    await follower.stop();
    const seen = follower.changes.map(
      (change) => [changeKey(change), changeRevision(change)] as const,
    );
    const revisions = seen.map(([, revision]) => Number(revision));
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    // Transactions that shared a request have one revision; in which order they are told of there is their own affair.
    const byRevision = ([a, i]: readonly [string, bigint], [b, j]: readonly [string, bigint]) =>
      Number(i - j) || a.localeCompare(b);
    expect(seen.toSorted(byRevision)).toEqual([...acknowledged].sort(byRevision));
  }, 60_000);

  it('says so when the history it needs is gone', async () => {
    const store = harness().store();
    const old = await put(store, 'gone/a', '1');
    await put(store, 'gone/a', '2');
    const now = await put(store, 'gone/a', '3');
    await store.compact(now);
    const follower = new Follower(harness(), 'gone/', old);
    await until(() => follower.failure !== undefined, 'the refusal');
    expect(follower.failure).toMatchObject({ reason: 'Expired' });
    expect(follower.changes).toEqual([]);
  });
}

function quietAndEnd(harness: () => StoreHarness): void {
  it('reports progress without events', async () => {
    const store = harness().store();
    const stopping = new AbortController();
    const now = await put(store, 'quiet/a', '1');
    for await (const event of store.watch('quiet/', { after: now, signal: stopping.signal })) {
      expect(event).toEqual({ type: 'progress', revision: now });
      stopping.abort();
    }
    expect(stopping.signal.aborted).toBe(true);
  });

  it('ends at once when it is told to', async () => {
    const store = harness().store();
    const ended = store.watch('end/', { after: 1n, signal: AbortSignal.abort() });
    for await (const event of ended) expect(event).toBeUndefined();
    const stopping = new AbortController();
    const watching = (async () => {
      for await (const event of store.watch('end/', { signal: stopping.signal })) {
        if (event.type === 'progress') stopping.abort();
      }
    })();
    await watching;
  });
}
