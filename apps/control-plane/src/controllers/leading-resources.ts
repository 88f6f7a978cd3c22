import type { Clock } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';
import { Resources, type WatchCaches } from '../api/index.js';

/** The API's rules over a fenced store: what a leader writes through, and nothing lands after its term. */
export function leadingResources(
  objects: ObjectStore,
  caches: WatchCaches,
  clock: Clock,
): Resources {
  return new Resources({ objects, caches, clock });
}
