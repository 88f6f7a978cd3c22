import type { Clock, Logger } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';
import { Resources, WatchCaches } from '../api/index.js';

/** The API's rules over a fenced store: what a leader writes through, and nothing lands after its term. */
export function leadingResources(
  objects: ObjectStore,
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
): Resources {
  // Controllers read from informers; the caches behind lists are started by nobody here.
  const caches = new WatchCaches({ objects, clock, logger, signal });
  return new Resources({ objects, caches, clock });
}
