import { dirname } from 'node:path';
import type { RunResult } from './messages.js';
import { readCniError, readCniResult, readCniVersions } from './native-boundary.js';

/** The network configuration that is passed to the plugin on stdin. */
export interface CniConfig {
  readonly cniVersion: string;
  readonly name: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What a call is about: one interface of one container in one network namespace. */
export interface CniAttachment {
  readonly containerId: string;
  /** Path of the network namespace; DEL accepts one that is gone. */
  readonly netns: string;
  /** Default `eth0`. */
  readonly ifName?: string;
  /** Passed on as CNI_ARGS. */
  readonly args?: Readonly<Record<string, string>>;
}

export interface CniResult {
  readonly cniVersion: string;
  readonly interfaces: { name: string; mac?: string; sandbox?: string }[];
  readonly ips: { address: string; gateway?: string; interface?: number }[];
  readonly routes: { dst: string; gw?: string }[];
}

/** The one thing that a plugin call needs: a way to run a program (see `RuntimeClient.run`). */
export type Run = (
  argv: readonly string[],
  options: { env: Record<string, string>; stdin: string; timeoutMs: number },
) => Promise<RunResult>;

/** A plugin that takes longer is killed. */
const timeoutMs = 30_000;

/** Calls one CNI plugin; its error objects become `GantryError`s with the plugin's own words. */
export class CniPlugin {
  constructor(
    readonly binary: string,
    readonly config: CniConfig,
    readonly run: Run,
    /** Where it finds plugins that it calls itself (IPAM). */
    readonly path: string = dirname(binary),
  ) {}

  /** `previous` is what the plugins before it in a chain have made. */
  async add(attachment: CniAttachment, previous?: CniResult): Promise<CniResult> {
    return readCniResult(await this.call('ADD', environment(attachment), withResult(previous)));
  }

  /** Idempotent: a container that was never added is no error. */
  async del(attachment: CniAttachment, previous?: CniResult): Promise<void> {
    await this.call('DEL', environment(attachment), withResult(previous));
  }

  /** Rejects when the attachment is not as `add` left it. */
  async check(attachment: CniAttachment, previous: CniResult): Promise<void> {
    await this.call('CHECK', environment(attachment), withResult(previous));
  }

  /** Frees what belongs to no attachment of `valid` (leases of containers that vanished). */
  async gc(valid: readonly CniAttachment[]): Promise<void> {
    const attachments = valid.map(({ containerId, ifName = defaultIfName }) => ({
      containerID: containerId,
      ifname: ifName,
    }));
    await this.call('GC', {}, { 'cni.dev/valid-attachments': attachments });
  }

  /** Rejects (ServiceUnavailable) when ADD would not work now. */
  async status(): Promise<void> {
    await this.call('STATUS', {});
  }

  /** The versions of the specification that it speaks. */
  async versions(): Promise<readonly string[]> {
    return readCniVersions(await this.call('VERSION', {}));
  }

  private async call(command: string, env: Record<string, string>, further = {}): Promise<string> {
    const stdin = JSON.stringify({ ...this.config, ...further });
    const variables = { ...env, CNI_COMMAND: command, CNI_PATH: this.path };
    const result = await this.run([this.binary], { env: variables, stdin, timeoutMs });
    if (result.exitCode === 0) return result.stdout;
    throw readCniError(`network ${command}`, result.stdout, result.stderr);
  }
}

const withResult = (prevResult: CniResult | undefined) => (prevResult ? { prevResult } : {});

const defaultIfName = 'eth0';

function environment(attachment: CniAttachment): Record<string, string> {
  return {
    CNI_CONTAINERID: attachment.containerId,
    CNI_NETNS: attachment.netns,
    CNI_IFNAME: attachment.ifName ?? defaultIfName,
    ...(attachment.args ? { CNI_ARGS: cniArgs(attachment.args) } : {}),
  };
}

function cniArgs(args: Readonly<Record<string, string>>): string {
  return Object.entries(args)
    .map(([name, value]) => `${name}=${value}`)
    .join(';');
}

export interface PodRoute {
  readonly podCIDR: string;
  /** The other node's address. */
  readonly via: string;
}

/** The node-wide side of `gantry-network`: bridge, forwarding, masquerade, routes to other nodes. */
export class NodeNetwork {
  constructor(
    readonly binary: string,
    readonly config: CniConfig,
    readonly run: Run,
  ) {}

  /** Can be repeated. Needs the program nft and says so when it is missing. */
  async setup(): Promise<void> {
    await this.call('setup', this.config);
  }

  /** Removes all that setup, routes and pods have made on this node. */
  async teardown(): Promise<void> {
    await this.call('teardown', this.config);
  }

  /** Makes the kernel's routes of our protocol number exactly these. */
  async setRoutes(routes: readonly PodRoute[]): Promise<void> {
    await this.call('routes', { routes, clusterCIDR: this.config['clusterCIDR'] });
  }

  private async call(verb: string, input: object): Promise<void> {
    const options = { env: {}, stdin: JSON.stringify(input), timeoutMs };
    const result = await this.run([this.binary, verb], options);
    if (result.exitCode !== 0) {
      throw readCniError(`network ${verb}`, result.stdout, result.stderr);
    }
  }
}
