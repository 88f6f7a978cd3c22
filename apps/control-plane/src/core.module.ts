import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { EventKind } from '@gantry/api';
import type { Kind } from '@gantry/api-machinery';
import type { Clock, Logger } from '@gantry/base';
import { Informers, ObjectStore } from '@gantry/controller';
import type { Store } from '@gantry/store';
import { Registry } from 'prom-client';
import { WatchCaches } from './api/index.js';
import { Authenticator } from './auth/authenticator.js';
import { Pki } from './auth/pki.js';
import { TokenFile } from './auth/token-file.js';
import type { Config } from './config.js';
import { EventLeases } from './events/event-leases.js';
import { Health } from './health/health.js';
import { Leader } from './leader/leader.js';
import { controllerMetrics, leadershipMetric, MetricSources } from './metrics/metrics.js';
import { PodLists } from './scheduling/checkpoint/pod-lists.js';
import { Compaction } from './store/compaction.js';
import * as tokens from './tokens.js';

/** What exists before the app does. */
export interface Core {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly store: Store;
  readonly pki: Pki;
  readonly registry: Registry;
  readonly shutdown: AbortSignal;
  readonly endpoints: () => Endpoints;
}

/** The ports in use; 0 until the servers listen. */
export interface Endpoints {
  readonly apiPort: number;
  readonly gatewayPort: number;
}

/** What all modules stand on, to be injected anywhere without importing it. */
@Global()
@Module({})
export class CoreModule {
  static create(core: Core): DynamicModule {
    const providers = [...given(core), ...built(core)];
    const names = providers.map((provider) => (provider as { provide: symbol }).provide);
    return { module: CoreModule, providers, exports: names };
  }
}

function given(core: Core): Provider[] {
  return [
    { provide: tokens.CONFIG, useValue: core.config },
    { provide: tokens.LOGGER, useValue: core.logger },
    { provide: tokens.CLOCK, useValue: core.clock },
    { provide: tokens.STORE, useValue: core.store },
    { provide: tokens.SHUTDOWN, useValue: core.shutdown },
    { provide: tokens.ENDPOINTS, useValue: core.endpoints },
    { provide: tokens.CONTROLLER_METRICS, useValue: controllerMetrics(core.registry) },
    { provide: Pki, useValue: core.pki },
    { provide: Registry, useValue: core.registry },
  ];
}

function built(core: Core): Provider[] {
  const { store, clock, config, logger, pki } = core;
  const transforms = new Map([['secrets', pki.sealing]]);
  const podLists = new PodLists(config, clock);
  core.shutdown.addEventListener('abort', () => podLists.release(), { once: true });
  const eventLeases = new EventLeases(store, clock, config.eventTtlMinutes * 60);
  const leaseOf = (kind: Kind) =>
    kind === (EventKind as Kind) ? eventLeases.current() : undefined;
  const objects = new ObjectStore(store, { clock, transforms, leaseOf, turn: podLists.turn });
  const caches = new WatchCaches({ objects, clock, logger, signal: core.shutdown });
  // What has come before the process began is enough for whoever does not lead.
  const informers = new Informers(objects, { shared: caches.since(0n), logger, clock });
  const { identity, leaseSeconds } = config;
  const standby = (other: string) => other !== identity && podLists.release();
  const leader = new Leader({ store, objects, identity, leaseSeconds, standby, logger, clock });
  leader.register(new Compaction(store, clock, logger, config.compactionMinutes * 60_000));
  leadershipMetric(core.registry, () => leader.leading);
  const tokenFile = new TokenFile(config.tokenFile, logger);
  return [
    { provide: ObjectStore, useValue: objects },
    { provide: EventLeases, useValue: eventLeases },
    { provide: PodLists, useValue: podLists },
    { provide: WatchCaches, useValue: caches },
    { provide: MetricSources, useValue: new MetricSources() },
    { provide: Informers, useValue: informers },
    { provide: Leader, useValue: leader },
    { provide: Authenticator, useValue: new Authenticator(tokenFile, logger) },
    { provide: Health, useValue: new Health() },
  ];
}
