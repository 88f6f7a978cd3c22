import { Inject, Module } from '@nestjs/common';
import type { Clock, Logger } from '@gantry/base';
import { ObjectStore, type ControllerMetrics } from '@gantry/controller';
import type { Leadership, Store } from '@gantry/store';
import type { Config } from '../config.js';
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
      useFactory: (objects: ObjectStore, clock: Clock, logger: Logger) =>
        new TermInformers(objects, clock, logger),
      inject: [ObjectStore, tokens.CLOCK, tokens.LOGGER],
    },
  ],
  exports: [TermInformers],
})
export class ControllersModule implements LeaderService {
  readonly name = 'controllers';

  constructor(
    @Inject(Leader) private readonly leader: Leader,
    @Inject(TermInformers) private readonly terms: TermInformers,
    @Inject(EventRecorder) private readonly events: EventRecorder,
    @Inject(tokens.CONTROLLER_METRICS) private readonly metrics: ControllerMetrics,
    @Inject(tokens.STORE) private readonly store: Store,
    @Inject(tokens.CONFIG) private readonly config: Config,
    @Inject(tokens.CLOCK) private readonly clock: Clock,
    @Inject(tokens.LOGGER) private readonly logger: Logger,
  ) {
    leader.register(this);
  }

  async run({ signal }: Leadership): Promise<void> {
    const { events, metrics, clock, logger } = this;
    const informers = this.terms.for(signal);
    const { objects } = this.leader;
    const resources = leadingResources(objects, clock, logger, signal);
    const context = { resources, informers, events, metrics, clock, logger };
    const controllers = createControllers(context, { ...this.config, store: this.store, objects });
    await Promise.all(controllers.map((controller) => controller.run(signal)));
  }
}
