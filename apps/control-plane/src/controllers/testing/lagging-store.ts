import { delay, systemClock } from '@gantry/base';
import { oneByOne, type Store, type StoreEvent, type WatchOptions } from '@gantry/store';

/** The same store, whose watches show each change only after a while, as over a slow link. */
export function laggingStore(store: Store, lagMs: () => number): Store {
  async function* watchBatches(
    prefix: string,
    options: WatchOptions,
  ): AsyncGenerator<readonly StoreEvent[]> {
    const events = oneByOne(store.watchBatches(prefix, options), options.signal);
    const arrive = async () => {
      const result = await events.next();
      return { result, dueMs: systemClock.now() + lagMs() };
    };
    // The next event travels while the one before it waits for its time: lags do not add up.
    let coming = arrive();
    for (;;) {
      const { result, dueMs } = await coming;
      if (result.done) return;
      coming = arrive();
      coming.catch(() => undefined);
      await delay(systemClock, Math.max(0, dueMs - systemClock.now()), options.signal);
      yield [result.value];
    }
  }
  return {
    watchBatches,
    watch: (prefix, options) => oneByOne(watchBatches(prefix, options), options.signal),
    get: (key) => store.get(key),
    range: (prefix, options) => store.range(prefix, options),
    count: (prefix) => store.count(prefix),
    transact: (preconditions, operations) => store.transact(preconditions, operations),
    requestProgress: () => store.requestProgress(),
    grantLease: (ttlSeconds) => store.grantLease(ttlSeconds),
    grantTerm: (seconds) => store.grantTerm(seconds),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
  };
}
