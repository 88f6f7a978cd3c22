import type { Server } from 'node:http';
import { ReportedEventKind } from '@gantry/api';
import type { Kind } from '@gantry/api-machinery';
import type { Clock, Logger } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { Access } from './http/access.js';
import { ApiMetrics } from './http/api-metrics.js';
import { Dispatcher } from './http/dispatcher.js';
import { installApi } from './http/install.js';
import { KindRegistry } from './http/kind-registry.js';
import { PeerProxy, type PeerTls } from './http/peer-proxy.js';
import { handleUpgrades } from './http/upgrade.js';
import { EventViews } from './resources/event-views.js';
import type { Resources } from './resources/resources.js';
import { absentKinds } from './subresources/absent-kinds.js';
import { SubresourceRegistry } from './subresources/registry.js';
import { reviewResources } from './subresources/reviews.js';
import type { WatchCaches } from './watch/watch-caches.js';

export interface ApiOptions {
  readonly objects: ObjectStore;
  readonly caches: WatchCaches;
  readonly kinds: readonly Kind[];
  readonly access: Access;
  /** How other control planes are reached when they hold what a request needs. */
  readonly peerTls: PeerTls;
  readonly metrics: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends all watches and streams; aborted before the server closes. */
  readonly signal: AbortSignal;
}

/** The whole REST API, put together from its parts; it listens on nothing of its own. */
export class Api {
  readonly resources: Resources;
  readonly subresources = new SubresourceRegistry();
  readonly peers: PeerProxy;
  private readonly dispatcher: Dispatcher;
  private readonly kinds: KindRegistry;
  private readonly metrics: ApiMetrics;

  constructor(private readonly options: ApiOptions) {
    const { objects, caches, clock, logger, access } = options;
    this.kinds = new KindRegistry([...options.kinds, ReportedEventKind]);
    this.resources = new EventViews({ objects, caches, clock });
    this.peers = new PeerProxy(options.peerTls, logger);
    this.metrics = new ApiMetrics(options.metrics, caches);
    const { resources, subresources, kinds, peers } = this;
    for (const each of absentKinds) subresources.registerResource(each);
    for (const review of reviewResources(access)) subresources.registerResource(review);
    const context = { resources, kinds, subresources, clock, logger };
    this.dispatcher = new Dispatcher({ context, access, peers });
  }

  /** Serves /api, /apis, /openapi and /version on the instance. */
  async install(fastify: FastifyInstance): Promise<void> {
    const { dispatcher, kinds, metrics } = this;
    const { logger, signal } = this.options;
    await installApi(fastify, { dispatcher, kinds, metrics, logger, signal });
  }

  /** Serves WebSockets on the server that the instance listens with. */
  handleUpgrades(server: Server): void {
    const { dispatcher, peers } = this;
    const { logger, signal } = this.options;
    handleUpgrades(server, { dispatcher, peers, logger, signal });
  }
}
