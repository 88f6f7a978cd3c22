import {
  Inject,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import type { Clock, Logger } from '@gantry/base';
import { Informers, ObjectStore } from '@gantry/controller';
import type { Store } from '@gantry/store';
import { Gauge, Registry } from 'prom-client';
import { PeerProxy, Resources, SubresourceRegistry } from '../api/index.js';
import { Pki } from '../auth/pki.js';
import type { Config } from '../config.js';
import type { Endpoints } from '../core.module.js';
import { EventRecorder } from '../events/index.js';
import * as tokens from '../tokens.js';
import { AgentEvents } from './agent-events.js';
import { AgentSessions } from './agent-sessions.js';
import { BlobExchange } from './blob-exchange.js';
import { EnrollmentHandler } from './enrollment.handler.js';
import { Enrollment } from './enrollment.js';
import { GatewayHandler } from './gateway.handler.js';
import { Metering } from './metering.js';
import { MetricsApi } from './metrics-api.js';
import { NodeImages } from './node-images.js';
import { NodeRegistrar } from './node-registrar.js';
import { PeerMetrics } from './peer-metrics.js';
import { PodStatusWriter } from './pod-status-writer.js';
import { PodStreams } from './pod-streams.js';
import { PodTargets } from './pod-target.js';
import { ReclaimableOffers } from './reclaimable-offers.js';
import { RelayBroker } from './relay-broker.js';
import { SessionKeys } from './session-keys.js';

interface Parts {
  readonly informers: Informers;
  readonly resources: Resources;
  readonly statuses: PodStatusWriter;
  readonly metering: Metering;
  readonly keys: SessionKeys;
  readonly blobs: BlobExchange;
  readonly recorder: EventRecorder | undefined;
  readonly store: Store;
  readonly shutdown: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: Config;
  readonly endpoints: () => Endpoints;
}

function ownRecorder({ store, clock, logger, shutdown }: Parts): EventRecorder {
  const recorder = new EventRecorder({ store, clock, logger });
  void recorder.run(shutdown);
  return recorder;
}

function createSessions(parts: Parts): AgentSessions {
  const { informers, resources, config, endpoints } = parts;
  const recorder = parts.recorder ?? ownRecorder(parts);
  const { identity, clusterCidr, heartbeatMillis, advertiseAddress } = config;
  const host = advertiseAddress.includes(':') ? `[${advertiseAddress}]` : advertiseAddress;
  return new AgentSessions({
    ...parts,
    registrar: new NodeRegistrar(resources),
    events: new AgentEvents(recorder, informers),
    identity,
    clusterCidr,
    heartbeatMillis,
    address: () => `${host}:${endpoints().apiPort}`,
  });
}

const partNames = [
  ['informers', Informers],
  ['resources', Resources],
  ['statuses', PodStatusWriter],
  ['metering', Metering],
  ['keys', SessionKeys],
  ['blobs', BlobExchange],
  ['recorder', { token: EventRecorder, optional: true }],
  ['store', tokens.STORE],
  ['shutdown', tokens.SHUTDOWN],
  ['clock', tokens.CLOCK],
  ['logger', tokens.LOGGER],
  ['config', tokens.CONFIG],
  ['endpoints', tokens.ENDPOINTS],
] as const;

const providers: Provider[] = [
  Metering,
  RelayBroker,
  {
    provide: SessionKeys,
    useFactory: (store: Store, logger: Logger) => new SessionKeys(store, logger),
    inject: [tokens.STORE, tokens.LOGGER],
  },
  {
    provide: BlobExchange,
    useFactory: (informers: Informers, clock: Clock) => new BlobExchange(informers, clock),
    inject: [Informers, tokens.CLOCK],
  },
  {
    provide: PodStatusWriter,
    useFactory: (...given: ConstructorParameters<typeof PodStatusWriter>) =>
      new PodStatusWriter(...given),
    inject: [Resources, tokens.CLOCK, tokens.LOGGER, tokens.SHUTDOWN],
  },
  {
    provide: AgentSessions,
    useFactory: (...given: unknown[]) =>
      createSessions(
        Object.fromEntries(
          partNames.map(([name], index) => [name, given[index]]),
        ) as unknown as Parts,
      ),
    inject: partNames.map(([, token]) => token),
  },
  {
    provide: Enrollment,
    useFactory: (...given: ConstructorParameters<typeof Enrollment>) => new Enrollment(...given),
    inject: [ObjectStore, Pki, SessionKeys, tokens.CLOCK],
  },
];

/** The agents' gateway: enrollment, sessions, relays, and what the API shows of them. */
@Module({ controllers: [EnrollmentHandler, GatewayHandler], providers, exports: [AgentSessions] })
export class AgentsModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(AgentSessions) private readonly sessions: AgentSessions,
    @Inject(SessionKeys) private readonly keys: SessionKeys,
    @Inject(PodStatusWriter) private readonly statuses: PodStatusWriter,
    @Inject(RelayBroker) private readonly relays: RelayBroker,
    @Inject(BlobExchange) private readonly blobs: BlobExchange,
    @Inject(Metering) private readonly metering: Metering,
    @Inject(Resources) private readonly resources: Resources,
    @Inject(SubresourceRegistry) private readonly registry: SubresourceRegistry,
    @Inject(Informers) private readonly informers: Informers,
    @Inject(PeerProxy) private readonly peers: PeerProxy,
    @Inject(tokens.LOGGER) private readonly logger: Logger,
    @Inject(Registry) private readonly metrics: Registry,
    @Inject(tokens.CLOCK) private readonly clock: Clock,
    @Inject(tokens.SHUTDOWN) private readonly shutdown: AbortSignal,
  ) {}

  onModuleInit(): void {
    const { sessions, keys, statuses, relays, registry, informers, clock } = this;
    const targets = new PodTargets(this.resources, sessions, keys);
    new PodStreams(targets, relays, clock).register(registry);
    const peers = new PeerMetrics({ keys, sessions, peers: this.peers, logger: this.logger });
    new MetricsApi({ metering: this.metering, informers, peers }).register(registry);
    this.registerImages();
    const { metering, resources, logger } = this;
    const offers = new ReclaimableOffers({ metering, informers, resources, clock, logger });
    void offers.run(this.shutdown);
    const connected = new Gauge({
      name: 'gantry_agent_sessions',
      help: 'Agents connected to this control plane.',
      registers: [],
      collect() {
        this.set(sessions.size);
      },
    });
    const waiting = new Gauge({
      name: 'gantry_pod_status_queue_depth',
      help: 'Pod statuses from agents that wait to be written.',
      registers: [],
      collect() {
        this.set(statuses.depth);
      },
    });
    for (const gauge of [connected, waiting]) this.metrics.registerMetric(gauge);
    sessions.start(this.shutdown);
  }

  private registerImages(): void {
    const { sessions, keys, relays, blobs, registry, resources, informers, logger } = this;
    const peers = new PeerMetrics({ keys, sessions, peers: this.peers, logger, what: 'images' });
    const parts = { sessions, keys, relays, blobs, resources, informers, peers };
    new NodeImages(parts).register(registry);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.statuses.drain();
    await this.keys.close();
  }
}
