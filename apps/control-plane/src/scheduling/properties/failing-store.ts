import { unavailable } from '@gantry/base';
import type { Store } from '@gantry/store';

/** What becomes of a transaction: as it should, refused before it was written, or written without an answer. */
export type Fate = 'done' | 'lost before' | 'lost after';

/** The same store, whose transactions meet their fate; everything else works. */
export function failingStore(store: Store, fate: () => Fate | Promise<Fate>): Store {
  return {
    watch: (prefix, options) => store.watch(prefix, options),
    watchBatches: (prefix, options) => store.watchBatches(prefix, options),
    get: (key) => store.get(key),
    range: (prefix, options) => store.range(prefix, options),
    count: (prefix) => store.count(prefix),
    async transact(preconditions, operations) {
      const now = await fate();
      if (now === 'lost before') throw unavailable('the request was lost');
      const result = await store.transact(preconditions, operations);
      if (now === 'lost after') throw unavailable('the answer was lost');
      return result;
    },
    requestProgress: () => store.requestProgress(),
    grantLease: (ttlSeconds) => store.grantLease(ttlSeconds),
    grantTerm: (seconds) => store.grantTerm(seconds),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
  };
}
