import type { RunResult } from './messages.js';

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

/** Calls a CNI plugin; its error objects become `GantryError`s with the plugin's own words. */
export class CniPlugin {
  constructor(
    readonly binary: string,
    readonly config: CniConfig,
    readonly run: Run,
  ) {}

  async add(_attachment: CniAttachment): Promise<CniResult> {
    throw new Error('not written yet');
  }

  /** Idempotent: a container that was never added is no error. */
  async del(_attachment: CniAttachment): Promise<void> {
    throw new Error('not written yet');
  }

  /** Rejects when the attachment is not as `add` left it. */
  async check(_attachment: CniAttachment, _previous: CniResult): Promise<void> {
    throw new Error('not written yet');
  }

  /** Frees what belongs to no attachment of `valid` (leases of containers that vanished). */
  async gc(_valid: readonly CniAttachment[]): Promise<void> {
    throw new Error('not written yet');
  }
}

export interface PodRoute {
  readonly podCIDR: string;
  /** The other node's address. */
  readonly via: string;
}

/** The node-wide side of `gantry-network`: bridge, forwarding, masquerade and routes to other nodes. */
export class NodeNetwork {
  constructor(
    readonly binary: string,
    readonly config: CniConfig,
    readonly run: Run,
  ) {}

  async setup(): Promise<void> {
    throw new Error('not written yet');
  }

  async teardown(): Promise<void> {
    throw new Error('not written yet');
  }

  /** Makes the kernel's routes of our protocol number exactly these. */
  async setRoutes(_routes: readonly PodRoute[]): Promise<void> {
    throw new Error('not written yet');
  }
}
