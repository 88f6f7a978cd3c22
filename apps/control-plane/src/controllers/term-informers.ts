import type { Clock, Logger } from '@gantry/base';
import { Informers, type ObjectStore } from '@gantry/controller';
import type { Leadership } from '@gantry/store';
import type { WatchCaches } from '../api/index.js';

/**
 * Informers for one term of leadership, shared by its services. They begin with all that the leader before wrote;
 * informers that were there before may lag behind, and decisions on them could repeat what was already done.
 */
export class TermInformers {
  private readonly terms = new WeakMap<AbortSignal, Informers>();

  constructor(
    private readonly objects: ObjectStore,
    private readonly caches: WatchCaches,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Running until the signal of the term aborts. */
  for({ signal, fence }: Leadership): Informers {
    const known = this.terms.get(signal);
    if (known) return known;
    const { clock, logger } = this;
    // Nothing that the leader before wrote landed after the term began.
    const shared = this.caches.since(fence.modRevision);
    const informers = new Informers(this.objects, { shared, clock, logger });
    this.terms.set(signal, informers);
    void informers.run(signal);
    return informers;
  }
}
