import { isReason } from '@gantry/base';
import { startEtcd, TcpProxy, type EtcdServer } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeKey, changeRevision } from '../change.js';
import {
  Follower,
  bytes,
  create,
  put,
  remove,
  until,
  type StoreHarness,
} from '../conformance/harness.js';
import type { Operation, Revision } from '../store.js';
import { EtcdStore } from './etcd-store.js';

let etcd: EtcdServer;
let link: TcpProxy;
let direct: EtcdStore;
let linked: EtcdStore;
let harness: StoreHarness;

beforeEach(async () => {
  etcd = await startEtcd();
  link = await TcpProxy.start(etcd.port);
  direct = new EtcdStore({ endpoints: [etcd.endpoint] });
  linked = new EtcdStore({ endpoints: [link.endpoint], requestTimeoutMs: 1_000 });
  harness = {
    store: () => linked,
    other: () => direct,
    crash: () => etcd.kill(),
    stop: () => etcd.stop(),
  };
});

afterEach(async () => {
  link.heal();
  await Promise.all([linked.close(), direct.close()]);
  await link.close();
  await etcd.stop();
});

/** Many small keys in few transactions; returns the revision of the last. */
async function fill(prefix: string, count: number): Promise<Revision> {
  let revision = 0n;
  for (let from = 0; from < count; from += 100) {
    const operations: Operation[] = [];
    for (let index = from; index < Math.min(count, from + 100); index += 1) {
      operations.push({ type: 'put', key: `${prefix}${100_000 + index}`, value: bytes('value') });
    }
    revision = (await direct.transact([], operations)).revision;
  }
  return revision;
}

function expectWhole(follower: Follower, count: number): void {
  expect(follower.changes).toHaveLength(count);
  expect(new Set(follower.changes.map(changeKey)).size).toBe(count);
  const revisions = follower.changes.map(changeRevision);
  expect(revisions).toEqual([...revisions].sort((a, b) => Number(a - b)));
}

describe('EtcdStore over a bad link', () => {
  it('catches up with thousands of events although the link is cut again and again', async () => {
    const start = await put(direct, 'many/start', '');
    await fill('many/x', 6_000);
    const follower = new Follower(harness, 'many/x', start);
    for (let cuts = 0; cuts < 12 && follower.changes.length < 6_000; cuts += 1) {
      const seen = follower.changes.length;
      link.cut();
      await until(() => follower.changes.length > seen || seen === 6_000, 'more events');
    }
    await until(() => follower.changes.length >= 6_000, 'all events');
    await follower.stop();
    expectWhole(follower, 6_000);
  }, 60_000);

  it('misses nothing that happens while the link is down', async () => {
    const start = await put(direct, 'down/start', '');
    const follower = new Follower(harness, 'down/x', start);
    await put(direct, 'down/x1', '');
    await until(() => follower.changes.length === 1, 'the first event');
    link.refuse();
    await put(direct, 'down/x2', '');
    await remove(direct, 'down/x1');
    link.heal();
    await until(() => follower.changes.length === 3, 'what was missed');
    await follower.stop();
    expect(follower.changes.map((change) => change.type)).toEqual(['put', 'put', 'delete']);
  });

  it('says so when history was compacted while the link was down', async () => {
    const start = await put(direct, 'lost/start', '');
    const follower = new Follower(harness, 'lost/', start);
    await put(direct, 'lost/a', '');
    await until(() => follower.changes.length === 1, 'the first event');
    link.refuse();
    await put(direct, 'lost/b', '');
    await direct.compact(await put(direct, 'lost/c', ''));
    link.heal();
    await until(() => follower.failure !== undefined, 'the refusal');
    expect(follower.failure).toMatchObject({ reason: 'Expired' });
  });

  it('notices a half-open link and goes on over a new one', async () => {
    const start = await put(direct, 'half/start', '');
    const follower = new Follower(harness, 'half/x', start);
    await put(direct, 'half/x1', '');
    await until(() => follower.changes.length === 1, 'the first event');
    link.freeze();
    await put(direct, 'half/x2', '');
    const frozenAt = performance.now();
    // New connections must get through, while the old one stays silent.
    link.thaw();
    await until(() => follower.changes.length === 2, 'the event after the freeze', 25_000);
    expect(performance.now() - frozenAt).toBeLessThan(20_000);
    await follower.stop();
  }, 40_000);

  it('answers in time when nobody is there, and works again when somebody is', async () => {
    await put(linked, 'time/a', '1');
    await etcd.kill();
    const startedAt = performance.now();
    await expect(linked.get('time/a')).rejects.toMatchObject({ reason: 'ServiceUnavailable' });
    await expect(create(linked, 'time/b', '')).rejects.toMatchObject({
      reason: 'ServiceUnavailable',
    });
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    await etcd.start();
    await until(() => answers(), 'an answer');
    expect(await linked.get('time/a')).toBeDefined();
  }, 30_000);

  it('never repeats a write whose answer was lost', async () => {
    let unknown = 0;
    const counted = { put: 0 };
    for (let round = 0; round < 30; round += 1) {
      const writing = linked.transact(
        [],
        [{ type: 'put', key: `repeat/${round}`, value: bytes(String(round)) }],
      );
      if (round % 2 === 0) setImmediate(() => link.cut());
      await writing.catch((error: unknown) => {
        if (!isReason(error, 'ServiceUnavailable')) throw error;
        unknown += 1;
      });
      const entry = await direct.get(`repeat/${round}`);
      // Written once, or not at all.
      if (entry) expect(entry.createRevision).toBe(entry.modRevision);
      if (entry) counted.put += 1;
    }
    expect(unknown).toBeGreaterThan(0);
    expect(counted.put).toBeGreaterThanOrEqual(30 - unknown);
  });
});

async function answers(): Promise<boolean> {
  try {
    await linked.get('time/a');
    return true;
  } catch {
    return false;
  }
}
