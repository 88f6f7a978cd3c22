import { describeError, isReason, type Logger } from '@gantry/base';
import { isForwarded, type PeerProxy, type SubresourceRequest } from '../api/index.js';
import type { AgentSessions } from './agent-sessions.js';
import type { SessionKeys } from './session-keys.js';

/** A NodeMetrics or PodMetrics as it stands on the wire. */
export interface Metrics {
  readonly [field: string]: unknown;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
}

/** Those of several control planes, and what is missing for whom. */
export interface MergedMetrics {
  readonly items: readonly Metrics[];
  readonly warnings: readonly string[];
}

export interface PeerMetricsOptions {
  readonly keys: SessionKeys;
  readonly sessions: AgentSessions;
  readonly peers: PeerProxy;
  readonly logger: Logger;
  /** What is merged, for warnings (default: metrics). */
  readonly what?: string;
}

/** A peer that has not answered by then is left out, in milliseconds. */
export const peerTimeoutMs = 2_000;

/** More nodes than this are counted instead of named. */
const maxNamedNodes = 5;

const keyOf = ({ metadata }: Metrics) => `${metadata.namespace ?? ''}/${metadata.name}`;

function missing(what: string, address: string, nodes: readonly string[]): string {
  const names = nodes.slice(0, maxNamedNodes).join(', ');
  const more = nodes.length > maxNamedNodes ? ` and ${nodes.length - maxNamedNodes} more` : '';
  return `no ${what} of ${names}${more}: their control plane at ${address} does not answer`;
}

/** Asks the control planes that hold the other nodes' sessions for what they have metered. */
export class PeerMetrics {
  constructor(private readonly options: PeerMetricsOptions) {}

  /**
   * Our own metrics and those of all peers that answer in time; a warning for each that does not. With
   * a node, only the peer that holds it is asked.
   */
  async addTo(
    own: readonly Metrics[],
    request: SubresourceRequest,
    node?: string,
  ): Promise<MergedMetrics> {
    // A peer asks for what is here alone: both asking each other would never end.
    if (isForwarded(request.headers)) return { items: own, warnings: [] };
    const peers = await this.peers(node);
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(peerTimeoutMs)]);
    const items = new Map(own.map((item) => [keyOf(item), item]));
    const warnings: string[] = [];
    const ask = async ([address, nodes]: [string, string[]]) => {
      try {
        for (const item of await this.ask(request, address, signal)) {
          // A node that has just moved may still be known there: ours are newer.
          if (!items.has(keyOf(item))) items.set(keyOf(item), item);
        }
      } catch (error) {
        const why = describeError(error);
        this.options.logger.warn({ address, err: why }, 'no answer from a peer');
        warnings.push(missing(this.options.what ?? 'metrics', address, nodes));
      }
    };
    await Promise.all([...peers].map(ask));
    return { items: [...items.values()], warnings };
  }

  /** The nodes that have their sessions elsewhere, by the address that answers for them. */
  private async peers(only: string | undefined): Promise<Map<string, string[]>> {
    const { keys, sessions, logger } = this.options;
    const peers = new Map<string, string[]>();
    const all = await keys.all().catch((error: unknown) => {
      if (!isReason(error, 'ServiceUnavailable')) throw error;
      logger.warn({ err: describeError(error) }, 'sessions elsewhere are not known');
      return new Map<string, { address: string }>();
    });
    for (const [node, { address }] of all) {
      if (sessions.find(node) || (only !== undefined && node !== only)) continue;
      const nodes = peers.get(address);
      if (nodes) nodes.push(node);
      else peers.set(address, [node]);
    }
    return peers;
  }

  private async ask(
    request: SubresourceRequest,
    address: string,
    signal: AbortSignal,
  ): Promise<readonly Metrics[]> {
    const answer = await this.options.peers.read(request.raw, address, signal);
    if (!answer) return [];
    const { items = [answer] } = answer as { items?: readonly unknown[] };
    return items as readonly Metrics[];
  }
}
