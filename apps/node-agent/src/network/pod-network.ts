import { join } from 'node:path';
import { unavailable } from '@gantry/base';
import {
  CniNetwork,
  NodeNetwork,
  type CniConfig,
  type CniNetworkConfig,
  type CniResult,
  type PodRoute,
  type RuntimeClient,
} from '@gantry/runtime-client';
import { Attachments, type StoredAttachment } from './attachments.js';
import { loadNetwork } from './network-config.js';
import type { AttachmentRequest } from './attachment-request.js';

/** The part of the cluster's network that is this node's, as the control plane assigned it. */
export interface NetworkAssignment {
  readonly podCIDR: string;
  readonly clusterCIDR: string;
}

/** Where plugins that are not ours are configured, and where their programs are. */
export interface ForeignNetworkOptions {
  readonly confDir: string;
  readonly binDirs: readonly string[];
}

export interface PodNetworkOptions {
  readonly runtime: Pick<RuntimeClient, 'run'>;
  readonly nativeDir: string;
  readonly dataDir: string;
  readonly bridge: string;
  /** Other CNI plugins than ours. */
  readonly foreign?: ForeignNetworkOptions;
}

/** Addresses of pods on this host, and the ways to pods on others. */
export class PodNetwork {
  private assignment?: NetworkAssignment;
  private setUp?: Promise<void>;
  private readonly attachments: Attachments;

  constructor(private readonly options: PodNetworkOptions) {
    this.attachments = new Attachments(join(options.dataDir, 'network', 'attachments'));
  }

  /** Takes effect for pods made from now on. */
  assign(assignment: NetworkAssignment): void {
    const { podCIDR, clusterCIDR } = this.assignment ?? {};
    if (podCIDR === assignment.podCIDR && clusterCIDR === assignment.clusterCIDR) return;
    this.assignment = assignment;
    this.setUp = undefined;
  }

  /** Why no pod can have an address now; undefined when it can. */
  fault(): string | undefined {
    const { foreign } = this.options;
    if (!foreign) return this.assignment ? undefined : 'the node has no podCIDR yet';
    try {
      loadNetwork(foreign.confDir);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Joins a pod's namespace to the network; rejects (Unavailable) before there is one. */
  async add(uid: string, netns: string, request: AttachmentRequest): Promise<CniResult> {
    await this.ensureSetUp();
    const { foreign } = this.options;
    const network = foreign && loadNetwork(foreign.confDir);
    const cni = this.network(network);
    refuseUnserved(cni.config, request);
    // Before anything is done, so that whatever a crash leaves is known by name.
    const stored: StoredAttachment = { netns, network, ...request };
    await this.attachments.put(uid, stored);
    const attachment = { containerId: uid, netns, args: request.args };
    const result = await cni.add(attachment, request.runtimeConfig);
    await this.attachments.put(uid, { ...stored, result });
    return result;
  }

  /** Frees a pod's address and interface; idempotent, also when the namespace is gone. */
  async remove(uid: string, netns: string): Promise<void> {
    const stored = await this.attachments.get(uid);
    // Without a record there can only be an attachment of an agent from before there were any, by ours.
    if (!stored?.network && !this.assignment) return;
    const { network, args, result, runtimeConfig } = stored ?? {};
    await this.network(network).del({ containerId: uid, netns, args }, result, runtimeConfig);
    await this.attachments.remove(uid);
  }

  /** Frees the addresses of all pods but these. */
  async collect(pods: readonly { uid: string; netns: string }[]): Promise<void> {
    const valid = new Set(pods.map(({ uid }) => uid));
    for (const [uid, { netns }] of await this.attachments.list()) {
      if (!valid.has(uid)) await this.remove(uid, netns);
    }
    if (this.fault() !== undefined) return;
    const { foreign } = this.options;
    const attachments = pods.map(({ uid, netns }) => ({ containerId: uid, netns }));
    await this.network(foreign && loadNetwork(foreign.confDir)).gc(attachments);
  }

  /** Other plugins look after the ways between nodes themselves. */
  async setRoutes(routes: readonly PodRoute[]): Promise<void> {
    if (this.options.foreign || !this.assignment) return;
    await this.ensureSetUp();
    await this.nodeNetwork().setRoutes(routes);
  }

  async teardown(): Promise<void> {
    if (this.assignment) await this.nodeNetwork().teardown();
  }

  private async ensureSetUp(): Promise<void> {
    const fault = this.fault();
    if (fault) {
      const next = this.options.foreign ? '' : ": the control plane's leader assigns it";
      throw unavailable(`${fault}${next}`);
    }
    if (this.options.foreign) return;
    this.setUp ??= this.nodeNetwork()
      .setup()
      .catch((error: unknown) => {
        this.setUp = undefined;
        throw error;
      });
    await this.setUp;
  }

  private config(): CniConfig {
    const { bridge, dataDir } = this.options;
    const { podCIDR = '', clusterCIDR = '' } = this.assignment ?? {};
    const network = { bridge, podCIDR, clusterCIDR, mtu: 0, dataDir: join(dataDir, 'network') };
    return { cniVersion: '1.1.0', name: 'gantry', type: 'gantry-network', ...network };
  }

  private run = (...args: Parameters<RuntimeClient['run']>) => this.options.runtime.run(...args);

  /** Ours unless another is given. */
  private network(network: CniNetworkConfig | undefined): CniNetwork {
    const { nativeDir, foreign } = this.options;
    if (network) return new CniNetwork(network, foreign?.binDirs ?? [], this.run);
    const own = { ...this.config(), capabilities: { portMappings: true, bandwidth: true } };
    const { name, cniVersion } = own;
    return new CniNetwork({ name, cniVersion, plugins: [own] }, [nativeDir], this.run);
  }

  private nodeNetwork(): NodeNetwork {
    return new NodeNetwork(join(this.options.nativeDir, 'gantry-network'), this.config(), this.run);
  }
}

/** What no plugin of the network takes would silently be left out. */
function refuseUnserved({ name, plugins }: CniNetworkConfig, request: AttachmentRequest): void {
  for (const capability of Object.keys(request.runtimeConfig)) {
    if (plugins.some(({ capabilities }) => capabilities?.[capability])) continue;
    const field = capability === 'portMappings' ? 'ports[].hostPort' : `annotations: ${capability}`;
    throw unavailable(
      `${field}: no plugin of the CNI network "${name}" has the capability "${capability}"; add one, or ` +
        'leave the field out',
    );
  }
}
