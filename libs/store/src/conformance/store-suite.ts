import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { Follower, type StoreHarness } from './harness.js';
import { leases } from './leases.js';
import { ranges } from './ranges.js';
import { simultaneous } from './simultaneous.js';
import { transactions } from './transactions.js';
import { watches } from './watches.js';

/** What every `Store` must do; each implementation runs it in a spec of its own. */
export function describeStore(name: string, start: () => Promise<StoreHarness>): void {
  describe(name, () => {
    let harness: StoreHarness | undefined;
    const current = () => {
      if (!harness) throw new Error('the harness has not started');
      return harness;
    };
    beforeAll(async () => {
      harness = await start();
    });
    afterEach(() => Follower.stopAll());
    afterAll(async () => {
      await harness?.stop();
    });
    transactions(current);
    simultaneous(current);
    ranges(current);
    leases(current);
    watches(current);
  });
}
