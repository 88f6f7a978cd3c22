import { join } from 'node:path';
import { unavailable } from '@gantry/base';
import {
  CniPlugin,
  NodeNetwork,
  type CniConfig,
  type CniResult,
  type PodRoute,
  type RuntimeClient,
} from '@gantry/runtime-client';

/** The part of the cluster's network that is this node's, as the control plane assigned it. */
export interface NetworkAssignment {
  readonly podCIDR: string;
  readonly clusterCIDR: string;
}

export interface PodNetworkOptions {
  readonly runtime: RuntimeClient;
  readonly nativeDir: string;
  readonly dataDir: string;
  readonly bridge: string;
}

/** Addresses of pods on this host, and the ways to pods on others. */
export class PodNetwork {
  private assignment?: NetworkAssignment;
  private setUp?: Promise<void>;

  constructor(private readonly options: PodNetworkOptions) {}

  /** Takes effect for pods made from now on. */
  assign(assignment: NetworkAssignment): void {
    const { podCIDR, clusterCIDR } = this.assignment ?? {};
    if (podCIDR === assignment.podCIDR && clusterCIDR === assignment.clusterCIDR) return;
    this.assignment = assignment;
    this.setUp = undefined;
  }

  get assigned(): NetworkAssignment | undefined {
    return this.assignment;
  }

  /** Joins a pod's namespace to the network; rejects (Unavailable) before the node has a podCIDR. */
  async add(uid: string, netns: string): Promise<CniResult> {
    await this.ensureSetUp();
    return this.plugin().add({ containerId: uid, netns });
  }

  /** Frees a pod's address and interface; idempotent, also when the namespace is gone. */
  async remove(uid: string, netns: string): Promise<void> {
    if (!this.assignment) return;
    await this.plugin().del({ containerId: uid, netns });
  }

  /** Frees the addresses of all pods but these. */
  async collect(pods: readonly { uid: string; netns: string }[]): Promise<void> {
    if (!this.assignment) return;
    await this.plugin().gc(pods.map(({ uid, netns }) => ({ containerId: uid, netns })));
  }

  async setRoutes(routes: readonly PodRoute[]): Promise<void> {
    if (!this.assignment) return;
    await this.ensureSetUp();
    await this.nodeNetwork().setRoutes(routes);
  }

  async teardown(): Promise<void> {
    await this.nodeNetwork().teardown();
  }

  private ensureSetUp(): Promise<void> {
    if (!this.assignment) {
      throw unavailable("the node has no podCIDR yet: the control plane's leader assigns it");
    }
    this.setUp ??= this.nodeNetwork()
      .setup()
      .catch((error: unknown) => {
        this.setUp = undefined;
        throw error;
      });
    return this.setUp;
  }

  private config(): CniConfig {
    const { bridge, dataDir } = this.options;
    const { podCIDR = '', clusterCIDR = '' } = this.assignment ?? {};
    const network = { bridge, podCIDR, clusterCIDR, mtu: 0, dataDir: join(dataDir, 'network') };
    return { cniVersion: '1.1.0', name: 'gantry', type: 'gantry-network', ...network };
  }

  private run = (...args: Parameters<RuntimeClient['run']>) => this.options.runtime.run(...args);

  private plugin(): CniPlugin {
    return new CniPlugin(this.binary, this.config(), this.run);
  }

  private nodeNetwork(): NodeNetwork {
    return new NodeNetwork(this.binary, this.config(), this.run);
  }

  private get binary(): string {
    return join(this.options.nativeDir, 'gantry-network');
  }
}
