import { Inject, Module } from '@nestjs/common';
import type { Clock, Logger } from '@gantry/base';
import { ObjectStore, type ControllerMetrics } from '@gantry/controller';
import type { Leadership, Store } from '@gantry/store';
import type { Config } from '../config.js';
import { WatchCaches } from '../api/index.js';
import { EventRecorder } from '../events/index.js';
import { Leader, type LeaderService } from '../leader/leader.js';
import * as tokens from '../tokens.js';
import { createControllers } from './controllers.js';
import { leadingResources } from './leading-resources.js';
import { TermInformers } from './term-informers.js';

/** Runs the controllers while this control plane leads. */
@Module({
  providers: [
    {
      provide: TermInformers,
      useFactory: (objects: ObjectStore, caches: WatchCaches, clock: Clock, logger: Logger) =>
        new TermInformers(objects, caches, clock, logger),
      inject: [ObjectStore, WatchCaches, tokens.CLOCK, tokens.LOGGER],
    },
  ],
  exports: [TermInformers],
})
export class ControllersModule implements LeaderService {
  readonly name = 'controllers';

  constructor(
    @Inject(Leader) private readonly leader: Leader,
    @Inject(TermInformers) private readonly terms: TermInformers,
    @Inject(WatchCaches) private readonly caches: WatchCaches,
    @Inject(EventRecorder) private readonly events: EventRecorder,
    @Inject(tokens.CONTROLLER_METRICS) private readonly metrics: ControllerMetrics,
    @Inject(tokens.STORE) private readonly store: Store,
    @Inject(tokens.CONFIG) private readonly config: Config,
    @Inject(tokens.CLOCK) private readonly clock: Clock,
    @Inject(tokens.LOGGER) private readonly logger: Logger,
  ) {
    leader.register(this);
  }

  async run(term: Leadership): Promise<void> {
    const { signal } = term;
    const { events, metrics, clock, logger } = this;
    const informers = this.terms.for(term);
    const { objects } = this.leader;
    const resources = leadingResources(objects, this.caches, clock);
    const context = { resources, informers, events, metrics, clock, logger };
    const controllers = createControllers(context, { ...this.config, store: this.store, objects });
    await Promise.all(controllers.map((controller) => controller.run(signal)));
  }
}
