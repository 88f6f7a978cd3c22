import { silentLogger, systemClock } from '@gantry/base';
import { ObjectStore } from '@gantry/controller';
import { EmbeddedStore } from '@gantry/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Leader } from './leader.js';

let store: EmbeddedStore;
let leader: Leader;

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

beforeEach(() => {
  store = new EmbeddedStore();
  const objects = new ObjectStore(store);
  const logger = silentLogger;
  leader = new Leader({
    store,
    objects,
    identity: 'me',
    leaseSeconds: 2,
    logger,
    clock: systemClock,
  });
});

afterEach(async () => {
  await leader.stop();
  await store.close();
});

describe('Leader', () => {
  it('runs its services while it leads, and waits for them when it stops', async () => {
    const log: string[] = [];
    for (const name of ['a', 'b']) {
      const run = async ({ signal }: { signal: AbortSignal }) => {
        log.push(`${name} starts`);
        await untilAborted(signal);
        await new Promise(setImmediate);
        log.push(`${name} ended`);
      };
      leader.register({ name, run });
    }
    leader.start();
    await expect.poll(() => log).toEqual(['a starts', 'b starts']);
    expect(leader.leading).toBe(true);
    await leader.stop();
    expect(log.slice(2)).toEqual(['a ended', 'b ended']);
    expect([leader.leading, leader.fence]).toEqual([false, undefined]);
    expect(await store.get('leader/control-plane')).toBeUndefined();
  });

  it('gives the term up when a service fails, and starts all of them in the next', async () => {
    const terms: string[] = [];
    let failures = 1;
    leader.register({
      name: 'good',
      run: async ({ signal }) => {
        terms.push('good');
        await untilAborted(signal);
      },
    });
    leader.register({
      name: 'weak',
      run: async ({ signal }) => {
        terms.push('weak');
        if (failures-- > 0) throw new Error('cannot');
        await untilAborted(signal);
      },
    });
    leader.start();
    await expect.poll(() => terms, { timeout: 5_000 }).toEqual(['good', 'weak', 'good', 'weak']);
  });

  it('keeps leading when a service has nothing more to do', async () => {
    leader.register({ name: 'short', run: async () => {} });
    leader.start();
    await expect.poll(() => leader.leading).toBe(true);
    await new Promise(setImmediate);
    expect(leader.leading).toBe(true);
  });

  it('refuses a service that comes too late', () => {
    leader.start();
    expect(() => leader.register({ name: 'late', run: async () => {} })).toThrow('too late');
  });
});
