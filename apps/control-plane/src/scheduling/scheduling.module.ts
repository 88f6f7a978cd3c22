import { availableParallelism } from 'node:os';
import { Inject, Module } from '@nestjs/common';
import type { Clock, Logger } from '@gantry/base';
import type { Leadership } from '@gantry/store';
import { Registry } from 'prom-client';
import { Resources, SubresourceRegistry, WatchCaches } from '../api/index.js';
import type { Config } from '../config.js';
import { ControllersModule } from '../controllers/index.js';
import { leadingResources } from '../controllers/leading-resources.js';
import { TermInformers } from '../controllers/term-informers.js';
import { EventRecorder } from '../events/index.js';
import { Leader, type LeaderService } from '../leader/leader.js';
import { MetricSources } from '../metrics/metrics.js';
import { rebalancePlanResource } from '../rebalancing/rebalance-plans.js';
import * as tokens from '../tokens.js';
import { DecisionLog } from './decision-log.js';
import { configuredCheckpoints } from './checkpoint/checkpoints.js';
import { PodLists } from './checkpoint/pod-lists.js';
import { SchedulingLoop } from './scheduling-loop.js';
import { SchedulingMetrics } from './scheduling-metrics.js';
import { simulationResource } from './simulation/simulations.js';
import { profileTask, SchedulingThread } from './thread/scheduling-thread.js';
import { whySubresource, type Explainer } from './why.js';

/** With fewer cores a thread would take from the API and the store what it gives. */
const coresForThread = 4;

/** Schedules while this control plane leads, and explains placements at any time. */
@Module({ imports: [ControllersModule] })
export class SchedulingModule implements LeaderService {
  readonly name = 'scheduling';
  private metrics: SchedulingMetrics | undefined;
  private leading: Explainer | undefined;

  constructor(
    @Inject(Leader) private readonly leader: Leader,
    @Inject(TermInformers) private readonly terms: TermInformers,
    @Inject(WatchCaches) private readonly caches: WatchCaches,
    @Inject(EventRecorder) private readonly events: EventRecorder,
    @Inject(Resources) resources: Resources,
    @Inject(SubresourceRegistry) subresources: SubresourceRegistry,
    @Inject(Registry) private readonly registry: Registry,
    @Inject(MetricSources) private readonly metricSources: MetricSources,
    @Inject(PodLists) private readonly podLists: PodLists,
    @Inject(tokens.CONFIG) private readonly config: Config,
    @Inject(tokens.CLOCK) private readonly clock: Clock,
    @Inject(tokens.LOGGER) private readonly logger: Logger,
  ) {
    const leading = () => this.leading;
    const profile = this.config.schedulingProfile;
    subresources.register(whySubresource({ resources, leading, profile }));
    subresources.registerResource(simulationResource({ resources, profile }));
    subresources.registerResource(rebalancePlanResource({ resources, profile }));
    leader.register(this);
  }

  async run(term: Leadership): Promise<void> {
    if (this.hasThread) await this.runThread(term);
    else await this.runHere(term);
  }

  private get hasThread(): boolean {
    const { schedulingThread: choice, store } = this.config;
    if (choice !== 'auto') return choice === 'own';
    return store.type === 'etcd' && availableParallelism() >= coresForThread;
  }

  private async runThread({ signal, fence }: Leadership): Promise<void> {
    const { config, clock } = this;
    const { store, etcdCa, etcdCertificate, etcdKey, decisionLog, eventTtlMinutes } = config;
    const { dataDir, identity, checkpointPods, compactionMinutes, logLevel } = config;
    const connection = { store, etcdCa, etcdCertificate, etcdKey };
    const checkpoints = { dataDir, identity, checkpointPods, compactionMinutes };
    const thread = new SchedulingThread(
      {
        config: { ...connection, ...checkpoints, decisionLog, eventTtlMinutes },
        profile: profileTask(config.schedulingProfile),
        logLevel,
        fence: { ...fence },
      },
      clock,
    );
    const endMetrics = this.metricSources.add(() => thread.metrics());
    const leads = () => (this.leading = thread);
    void thread.fed.then(leads, () => {}).then(() => this.podLists.release());
    try {
      await thread.run(signal);
    } finally {
      endMetrics();
      this.leading = undefined;
    }
  }

  private async runHere(term: Leadership): Promise<void> {
    const { signal } = term;
    const { events, clock, logger } = this;
    const informers = this.terms.for(term);
    const { objects } = this.leader;
    const resources = leadingResources(objects, this.caches, clock);
    const { decisionLog: file, schedulingProfile: profile } = this.config;
    const log = file ? new DecisionLog({ file, clock, logger, profile }) : undefined;
    const metrics = (this.metrics ??= new SchedulingMetrics(this.registry));
    const { store } = objects;
    const checkpoints = configuredCheckpoints(this.config, { store, clock, logger });
    const loop = new SchedulingLoop({
      ...(checkpoints ? { checkpoints } : {}),
      podLists: this.podLists,
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
      this.leading = loop;
      await running;
    } finally {
      this.leading = undefined;
      await log?.close();
    }
  }
}
