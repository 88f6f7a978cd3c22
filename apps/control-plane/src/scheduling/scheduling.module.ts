import { Inject, Module } from '@nestjs/common';
import type { Clock, Logger } from '@gantry/base';
import type { Leadership } from '@gantry/store';
import { Registry } from 'prom-client';
import { Resources, SubresourceRegistry } from '../api/index.js';
import type { Config } from '../config.js';
import { ControllersModule } from '../controllers/index.js';
import { leadingResources } from '../controllers/leading-resources.js';
import { TermInformers } from '../controllers/term-informers.js';
import { EventRecorder } from '../events/index.js';
import { Leader, type LeaderService } from '../leader/leader.js';
import { rebalancePlanResource } from '../rebalancing/rebalance-plans.js';
import * as tokens from '../tokens.js';
import { DecisionLog } from './decision-log.js';
import { SchedulingLoop } from './scheduling-loop.js';
import { SchedulingMetrics } from './scheduling-metrics.js';
import { simulationResource } from './simulation/simulations.js';
import { whySubresource } from './why.js';

/** Schedules while this control plane leads, and explains placements at any time. */
@Module({ imports: [ControllersModule] })
export class SchedulingModule implements LeaderService {
  readonly name = 'scheduling';
  private readonly metrics: SchedulingMetrics;
  private loop: SchedulingLoop | undefined;

  constructor(
    @Inject(Leader) private readonly leader: Leader,
    @Inject(TermInformers) private readonly terms: TermInformers,
    @Inject(EventRecorder) private readonly events: EventRecorder,
    @Inject(Resources) resources: Resources,
    @Inject(SubresourceRegistry) subresources: SubresourceRegistry,
    @Inject(Registry) registry: Registry,
    @Inject(tokens.CONFIG) private readonly config: Config,
    @Inject(tokens.CLOCK) private readonly clock: Clock,
    @Inject(tokens.LOGGER) private readonly logger: Logger,
  ) {
    this.metrics = new SchedulingMetrics(registry);
    const leading = () => this.loop;
    const profile = this.config.schedulingProfile;
    subresources.register(whySubresource({ resources, leading, profile }));
    subresources.registerResource(simulationResource({ resources, profile }));
    subresources.registerResource(rebalancePlanResource({ resources, profile }));
    leader.register(this);
  }

  async run({ signal }: Leadership): Promise<void> {
    const { events, metrics, clock, logger } = this;
    const informers = this.terms.for(signal);
    const { objects } = this.leader;
    const resources = leadingResources(objects, clock, logger, signal);
    const { decisionLog: file, schedulingProfile: profile } = this.config;
    const log = file ? new DecisionLog({ file, clock, logger, profile }) : undefined;
    const loop = new SchedulingLoop({
      ...(log ? { scheduler: log.scheduler } : {}),
      resources,
      objects,
      informers,
      events,
      metrics,
      clock,
      logger,
      profile,
    });
    try {
      const running = loop.run(signal);
      await loop.fed;
      this.loop = loop;
      await running;
    } finally {
      this.loop = undefined;
      await log?.close();
    }
  }
}
