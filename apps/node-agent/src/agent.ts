import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentGatewayClient, Hello } from '@gantry/agent-protocol';
import type { Node } from '@gantry/api';
import { delay, describeError, systemClock, type Logger } from '@gantry/base';
import { ImageStore } from '@gantry/image';
import { loadDefaultSeccomp, RuntimeClient, type PodRoute } from '@gantry/runtime-client';
import type { AgentConfig } from './config.js';
import { ControlMessages, type ControlSink } from './control-messages.js';
import { IdentityKeeper } from './identity/keeper.js';
import { createMetrics } from './metrics/metrics.js';
import { HealthServer } from './metrics/server.js';
import { NodePeers } from './peers/node-peers.js';
import { PodNetwork } from './network/pod-network.js';
import { addressTowards, diskSpace, readHost } from './node/host.js';
import { Metering } from './node/metering.js';
import { diskOf } from './bandwidth/disk-bandwidth.js';
import { hugePages } from './node/huge-pages.js';
import { allocatable, type NodeMeasurements } from './node/node-object.js';
import { ImageCollector } from './images/image-collector.js';
import { ImageRelay } from './images/image-relay.js';
import { imagesInUse, imageUsers } from './images/in-use.js';
import { PullBoard } from './images/pull-board.js';
import { readRegistries } from './images/registries.js';
import { NodeRegistration } from './node/registration.js';
import type { NodeContext } from './pods/node-context.js';
import { PodManager } from './pods/pod-manager.js';
import { ResourceCache } from './pods/resource-cache.js';
import { UserRanges } from './pods/user-ranges.js';
import { Session } from './session/session.js';
import { chooseSnapshotter, logSnapshotter, type Snapshotter } from './snapshots/choose.js';
import { layersProgram } from './snapshots/layers-program.js';
import { StatusReporter } from './status-reporter.js';
import { Relays } from './streams/relays.js';
import { agentVersion } from './version.js';
import { diskExcess, diskUsage } from './volumes/disk-usage.js';

/** How often the node's conditions are measured, in milliseconds. */
const measurePeriodMs = 10_000;

/** Heartbeats are this often until the control plane says otherwise, in milliseconds. */
const defaultHeartbeatMs = 5000;

/** The agent of one host: everything wired together, and its loops. */
export class Agent implements ControlSink {
  private heartbeatMs = defaultHeartbeatMs;
  private isSynced = false;
  private wantedRoutes?: readonly PodRoute[];
  private routesAreSet = true;

  private constructor(
    private readonly context: NodeContext,
    private readonly identity: IdentityKeeper,
    private readonly reporter: StatusReporter,
    private readonly peers: NodePeers,
    private readonly resources: ResourceCache,
    private readonly at: NodeMeasurements,
  ) {}

  /** Joins if need be, connects to the launcher and serves until the signal aborts. */
  static async run(config: AgentConfig, logger: Logger, signal: AbortSignal): Promise<void> {
    await mkdir(config.dataDir, { recursive: true, mode: 0o755 });
    await mkdir(config.runDir, { recursive: true, mode: 0o755 });
    const { dataDir } = config;
    // First of all: a flag that this host cannot keep must not cost the join token.
    const host = { layersBinary: layersProgram(config), dataDir };
    const snapshotter = await chooseSnapshotter(config.snapshotter, host);
    logSnapshotter(snapshotter, logger);
    const identity = new IdentityKeeper(config, logger);
    await identity.obtain(signal);
    const agent = await Agent.assemble(config, logger, identity, snapshotter);
    await agent.serve(signal);
  }

  private static async assemble(
    config: AgentConfig,
    logger: Logger,
    identity: IdentityKeeper,
    snapshotter: Snapshotter,
  ): Promise<Agent> {
    const { nativeDir, runDir, dataDir, bridge, nodeName } = config;
    const host = readHost();
    const ip = config.nodeIp ?? (await addressTowards(config.servers[0]!));
    const { totalBytes } = await diskSpace(dataDir);
    const huge = hugePages();
    const at = { host, ip, diskBytes: totalBytes, hugePages: huge, agentVersion, snapshotter };
    const runtime = await RuntimeClient.connect({ nativeDir, runDir, logger });
    const resources = new ResourceCache();
    const reporter = new StatusReporter(nodeName, systemClock);
    const metrics = createMetrics();
    let agent: Agent | undefined;
    const peers = new NodePeers({
      config,
      ip,
      identity: () => identity.current,
      metrics,
      link: () => agent?.session,
      logger,
    });
    const context: NodeContext = {
      config,
      node: {
        name: nodeName,
        ip,
        bootId: host.bootId,
        memoryBytes: host.memoryBytes,
        allocatable: allocatable(config, at),
        hugePages: huge,
        disk: Object.keys(config.diskBandwidth).length > 0 ? diskOf(dataDir) : undefined,
      },
      clock: systemClock,
      logger,
      runtime,
      images: new ImageStore({
        dir: join(dataDir, 'images'),
        layersBinary: layersProgram(config),
        layerFormat: snapshotter.driver.layerFormat,
        logger,
        registries: await readRegistries(config.registriesFile),
        peers: peers.source,
      }),
      pulls: new PullBoard(),
      snapshots: snapshotter.driver,
      network: new PodNetwork({
        runtime,
        nativeDir,
        dataDir,
        bridge,
        foreign: config.foreignNetwork,
      }),
      userRanges: new UserRanges(config.podUserIds),
      events: reporter,
      metrics,
      seccomp: await loadDefaultSeccomp(nativeDir),
      resources: (namespace) => resources.in(namespace),
    };
    agent = new Agent(context, identity, reporter, peers, resources, at);
    return agent;
  }

  private async serve(signal: AbortSignal): Promise<void> {
    const { context, identity, reporter } = this;
    const { config, logger, runtime, metrics, images } = context;
    const pods = new PodManager(context, reporter);
    const registration = new NodeRegistration(
      config,
      this.at,
      () => this.fault(),
      () => images.administration.sizes(),
    );
    this.registration = registration;
    const stored = await registration.loadAssignment();
    if (stored) context.network.assign(stored);
    const relays = await this.relays(pods, () => session.gatewayClient);
    const messages = new ControlMessages(
      pods,
      this.resources,
      relays,
      this.peers.desk,
      this,
      logger,
    );
    const session = new Session({
      servers: config.servers,
      identity: () => identity.current,
      logger,
      peer: {
        hello: () => this.hello(pods),
        receive: (message) => messages.receive(message),
        disconnected: () => {
          this.isSynced = false;
          metrics.connected.set(0);
          messages.reset();
          this.peers.desk.disconnected();
        },
      },
    });
    this.session = session;
    this.pods = pods;
    reporter.connect(session);
    const health = new HealthServer({
      port: config.metricsPort,
      registry: metrics.registry,
      notReady: () => this.fault() ?? (this.isSynced ? undefined : 'not connected'),
    });
    const port = await health.listen();
    logger.info({ node: config.nodeName, ip: this.at.ip, metricsPort: port }, 'agent started');
    try {
      await registration.measure(Date.now());
      await this.peers.serve(images);
      await pods.start();
      await Promise.all([
        session.run(signal),
        this.heartbeats(signal),
        this.measurements(signal),
        this.imageGarbage(signal),
        identity.keepFresh(() => session.enrollmentClient, signal),
      ]);
    } finally {
      relays.closeAll();
      await pods.close();
      await this.peers.close();
      await images.close();
      runtime.close();
      await health.close();
    }
  }

  /** Logs, exec and what people do with images: all that rides on streams of its own. */
  private async relays(
    pods: PodManager,
    gateway: () => AgentGatewayClient | undefined,
  ): Promise<Relays> {
    const { config, logger, runtime, images, pulls, snapshots } = this.context;
    const imageRelay = new ImageRelay({
      images,
      pulls,
      dataDir: config.dataDir,
      snapshots,
      users: () => imageUsers(pods.list().map(({ state }) => state)),
      peers: this.peers.client,
      announce: () => this.peers.announce(images),
      pidOf: (order) => relays.pidOf(order),
      logger,
    });
    await imageRelay.open();
    const { logMaxFiles } = config;
    const relays = new Relays({ pods, runtime, logger, images: imageRelay, logMaxFiles, gateway });
    return relays;
  }

  private registration!: NodeRegistration;
  private session!: Session;
  private pods!: PodManager;

  registered(node: Node, clusterCIDR: string, heartbeatMs: number): void {
    this.heartbeatMs = heartbeatMs || defaultHeartbeatMs;
    this.context.metrics.connected.set(1);
    const { podCIDR } = node.spec;
    if (!podCIDR) return;
    this.context.network.assign({ podCIDR, clusterCIDR });
    this.background('save the podCIDR', this.registration.saveAssignment({ podCIDR, clusterCIDR }));
    this.background('measure', this.measure());
    this.applyRoutes();
  }

  synced(): void {
    this.isSynced = true;
    this.pods.reportAll();
    this.background('announce blobs', this.peers.announce(this.context.images));
  }

  routes(routes: readonly PodRoute[]): void {
    this.wantedRoutes = routes;
    this.applyRoutes();
  }

  private applyRoutes(): void {
    if (!this.wantedRoutes) return;
    this.routesAreSet = false;
    const set = this.context.network.setRoutes(this.wantedRoutes);
    this.background(
      'set routes',
      set.then(() => void (this.routesAreSet = true)),
    );
  }

  private hello(pods: PodManager): Hello {
    return {
      agentVersion,
      nodeJson: Buffer.from(JSON.stringify(this.registration.node())),
      pods: pods.refs(),
      bootId: this.at.host.bootId,
      peerPort: this.peers.port,
    };
  }

  private fault(): string | undefined {
    return this.context.network.fault();
  }

  private async measure(): Promise<void> {
    if (await this.registration.measure(Date.now())) {
      this.reporter.nodeChanged(this.registration.node());
    }
  }

  private async measurements(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.measure().catch((error: unknown) => this.logFault('measure', error));
      if (!this.routesAreSet) this.applyRoutes();
      await this.limitDisk().catch((error: unknown) => this.logFault('disk usage', error));
      await delay(systemClock, measurePeriodMs, signal).catch(() => undefined);
    }
  }

  /** Evicts pods that hold more of the disk than they may; all are measured by one look. */
  private async limitDisk(): Promise<void> {
    const limited = this.pods.list().map((worker) => ({ worker, limits: worker.diskLimits() }));
    const dirs = new Set(limited.flatMap(({ limits }) => limits.flatMap((limit) => limit.dirs)));
    const used = await diskUsage(layersProgram(this.context.config), [...dirs]);
    for (const { worker, limits } of limited) {
      const excess = diskExcess(limits, used);
      if (excess !== undefined) worker.evict(excess);
    }
  }

  private async heartbeats(signal: AbortSignal): Promise<void> {
    const { runtime, metrics, config } = this.context;
    const metering = new Metering(runtime, this.pods, metrics, this.at.host, config.dataDir);
    while (!signal.aborted) {
      try {
        const heartbeat = await metering.heartbeat();
        if (this.session.connected) this.session.send({ heartbeat }, 'heartbeat');
      } catch (error) {
        this.logFault('heartbeat', error);
      }
      await delay(systemClock, this.heartbeatMs, signal).catch(() => undefined);
    }
  }

  private async imageGarbage(signal: AbortSignal): Promise<void> {
    const { images, config, logger } = this.context;
    const inUse = () => imagesInUse(this.pods.list().map(({ state }) => state));
    const { imageGarbage, dataDir: dir } = config;
    const collector = new ImageCollector({
      ...imageGarbage,
      images,
      dir,
      inUse,
      logger,
      events: this.reporter,
    });
    await collector.run(signal);
  }

  private background(what: string, work: Promise<void>): void {
    work.catch((error: unknown) => this.logFault(what, error));
  }

  private logFault(what: string, error: unknown): void {
    this.context.logger.warn({ what, err: describeError(error) }, 'failed; trying again later');
  }
}
