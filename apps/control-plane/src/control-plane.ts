import 'reflect-metadata';
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { createLogger, delay, describeError, systemClock, type Logger } from '@gantry/base';
import { Informers, ObjectStore } from '@gantry/controller';
import type { Store } from '@gantry/store';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { Pki } from './auth/pki.js';
import { pkiDirectory, type Config } from './config.js';
import type { Core, Endpoints } from './core.module.js';
import { ErrorFilter } from './error.filter.js';
import { GatewayServer } from './gateway-server.js';
import { Health } from './health/health.js';
import { createHttpAdapter, followRenewals, logRequests } from './http-server.js';
import { Leader } from './leader/leader.js';
import { createRegistry } from './metrics/metrics.js';
import { NestLogger } from './nest-logger.js';
import { openConfiguredStore } from './store/configured-store.js';
import { createInitialObjects } from './store/initial-objects.js';

const renewalCheckMs = 6 * 3_600_000;

/** A running control plane. */
export interface ControlPlane extends Endpoints {
  /** `https://127.0.0.1:PORT`. */
  readonly apiUrl: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly pki: Pki;
  readonly store: Store;
  readonly objects: ObjectStore;
  readonly leader: Leader;
  /** Any provider of the app, e.g. `get(Resources)`. */
  readonly get: NestFastifyApplication['get'];
  /** Ends streams, hands leadership over and closes everything; may be called twice. */
  close(): Promise<void>;
}

/** Starts a control plane and resolves when it serves; specs use it with `testConfig`. */
export async function startControlPlane(
  config: Config,
  options: { logger?: Logger } = {},
): Promise<ControlPlane> {
  const logger = options.logger ?? createLogger({ level: config.logLevel, name: 'control-plane' });
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const pki = await openPki(config);
  const store = await openConfiguredStore(config, logger);
  try {
    return await new Startup(config, logger, pki, store).run();
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens the certificates of a configuration, making those that are missing. */
export function openPki(config: Config): Promise<Pki> {
  const { advertiseAddress, tlsSans, agentCertificateHours } = config;
  const directory = pkiDirectory(config);
  const clock = systemClock;
  return Pki.open({ directory, advertiseAddress, tlsSans, agentCertificateHours, clock });
}

class Startup {
  private readonly shutdown = new AbortController();
  private readonly gateway: GatewayServer;
  private app: NestFastifyApplication;
  private informers: Promise<void>;
  private apiPort = 0;
  private closed: Promise<void> | undefined;

  constructor(
    private readonly config: Config,
    private readonly logger: Logger,
    private readonly pki: Pki,
    private readonly store: Store,
  ) {
    this.gateway = new GatewayServer(this.address(config.gatewayPort), pki);
  }

  async run(): Promise<ControlPlane> {
    const { config, store, pki } = this;
    this.app = await this.createApp();
    try {
      await this.serve();
    } catch (error) {
      this.shutdown.abort(error);
      await this.app.close();
      throw error;
    }
    const kubeconfig = join(config.dataDir, 'admin.kubeconfig');
    await pki.writeKubeconfig(
      kubeconfig,
      `https://${host(config.advertiseAddress)}:${this.apiPort}`,
    );
    const leader = this.app.get(Leader);
    leader.start();
    void this.renewCertificates(kubeconfig);
    const { apiPort, gateway } = this;
    this.logger.info({ apiPort, gatewayPort: gateway.port, caHash: pki.caHash }, 'serving');
    return {
      apiPort,
      gatewayPort: gateway.port,
      apiUrl: `https://127.0.0.1:${apiPort}`,
      kubeconfig,
      pki,
      store,
      objects: this.app.get(ObjectStore),
      leader,
      get: this.app.get.bind(this.app),
      close: () => (this.closed ??= this.close()),
    };
  }

  private async createApp(): Promise<NestFastifyApplication> {
    const core: Core = {
      config: this.config,
      logger: this.logger,
      clock: systemClock,
      store: this.store,
      pki: this.pki,
      registry: createRegistry(),
      shutdown: this.shutdown.signal,
      endpoints: () => ({ apiPort: this.apiPort, gatewayPort: this.gateway.port }),
    };
    const app = await NestFactory.create<NestFastifyApplication>(
      AppModule.create(core),
      createHttpAdapter(this.pki),
      { bodyParser: false, logger: new NestLogger(this.logger), abortOnError: false },
    );
    app.useGlobalFilters(new ErrorFilter(this.logger));
    app.connectMicroservice({ strategy: this.gateway }, { inheritAppConfig: true });
    const isVerbose = this.config.logLevel === 'debug';
    logRequests(app.getHttpAdapter().getInstance(), this.logger, isVerbose);
    return app;
  }

  private async serve(): Promise<void> {
    const { app, config, store } = this;
    app.get(Health).add('store', async () => {
      await store.get('leader/control-plane');
    });
    await createInitialObjects(app.get(ObjectStore));
    this.informers = app.get(Informers).run(this.shutdown.signal);
    await app.startAllMicroservices();
    try {
      await app.listen(config.apiPort, config.bindAddress);
    } catch (error) {
      throw listenError(error, config.apiPort, '--api-port');
    }
    const server = app.getHttpServer() as Server;
    this.apiPort = (server.address() as AddressInfo).port;
    followRenewals(server, this.pki);
  }

  private async renewCertificates(kubeconfig: string): Promise<void> {
    const { signal } = this.shutdown;
    while (!signal.aborted) {
      await delay(systemClock, renewalCheckMs, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.pki.renew();
        const server = `https://${host(this.config.advertiseAddress)}:${this.apiPort}`;
        await this.pki.writeKubeconfig(kubeconfig, server);
      } catch (error) {
        this.logger.error({ err: error }, `renew certificates: ${describeError(error)}`);
      }
    }
  }

  /** Streams end first, so that clients and agents turn to another control plane at once. */
  private async close(): Promise<void> {
    this.shutdown.abort(new Error('the control plane stops'));
    await this.app.get(Leader).stop();
    await this.informers;
    await this.app.close();
    await this.store.close();
    this.logger.info({}, 'stopped');
  }

  private address(port: number): string {
    return `${host(this.config.bindAddress)}:${port}`;
  }
}

/** Says what to do about a port that cannot be had. */
function listenError(error: unknown, port: number, flag: string): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'EADDRINUSE' ? 'another program listens there' : message;
  return new Error(`listen on port ${port}: ${why}; choose another with ${flag}`, { cause: error });
}

/** An address as it stands in a URL. */
function host(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}
