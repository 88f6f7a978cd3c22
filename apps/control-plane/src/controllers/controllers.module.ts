import { Inject, Module } from '@nestjs/common';
import type { Clock, Logger } from '@gantry/base';
import { Informers, type ControllerMetrics } from '@gantry/controller';
import type { Leadership } from '@gantry/store';
import { EventRecorder } from '../events/index.js';
import { Leader, type LeaderService } from '../leader/leader.js';
import * as tokens from '../tokens.js';
import { createControllers, runControllers } from './controllers.js';
import { leadingResources } from './leading-resources.js';

/** Runs the controllers while this control plane leads. */
@Module({})
export class ControllersModule implements LeaderService {
  readonly name = 'controllers';

  constructor(
    @Inject(Leader) private readonly leader: Leader,
    @Inject(Informers) private readonly informers: Informers,
    @Inject(EventRecorder) private readonly events: EventRecorder,
    @Inject(tokens.CONTROLLER_METRICS) private readonly metrics: ControllerMetrics,
    @Inject(tokens.CLOCK) private readonly clock: Clock,
    @Inject(tokens.LOGGER) private readonly logger: Logger,
  ) {
    leader.register(this);
  }

  async run({ signal }: Leadership): Promise<void> {
    const { informers, events, metrics, clock, logger } = this;
    const resources = leadingResources(this.leader.objects, clock, logger, signal);
    const context = { resources, informers, events, metrics, clock, logger };
    await runControllers(createControllers(context), signal);
  }
}
