import type { Clock, Logger } from '@gantry/base';
import { Informers, type ObjectStore } from '@gantry/controller';

/**
 * Informers for one term of leadership, shared by its services. They list anew, so they show at once all that
 * the leader before wrote; informers that were there before may lag behind, and decisions on them could
 * repeat what was already done.
 */
export class TermInformers {
  private readonly terms = new WeakMap<AbortSignal, Informers>();

  constructor(
    private readonly objects: ObjectStore,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Running until the signal of the term aborts. */
  for(signal: AbortSignal): Informers {
    const known = this.terms.get(signal);
    if (known) return known;
    const { clock, logger } = this;
    const informers = new Informers(this.objects, { clock, logger });
    this.terms.set(signal, informers);
    void informers.run(signal);
    return informers;
  }
}
