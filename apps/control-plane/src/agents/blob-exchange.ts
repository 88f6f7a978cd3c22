import type {
  AgentMessage__Output,
  BlobReport__Output,
  Hello__Output,
  PeerCheck__Output,
} from '@gantry/agent-protocol';
import { hasEnded, PodKind, type Node, type Pod } from '@gantry/api';
import type { Clock } from '@gantry/base';
import type { Informers } from '@gantry/controller';
import type { AgentSession } from './agent-session.js';
import { BlobTracker } from './blob-tracker.js';
import { fullImageName } from './image-name.js';

/** How long a node may fetch an image that somebody has ordered it to have, in milliseconds. */
const orderLifeMs = 30 * 60_000;
const maxOrders = 10_000;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/**
 * Brings nodes that need blobs together with those that have them. A node may have the blobs of an image that a pod
 * assigned to it uses, or that an administrator has ordered onto it: whoever is asked for a blob asks here first.
 */
export class BlobExchange {
  private readonly tracker = new BlobTracker();
  private readonly orders = new Map<string, number>();

  constructor(
    private readonly informers: Informers,
    private readonly clock: Clock,
  ) {}

  connected({ node }: AgentSession, hello: Hello__Output, told: Node): void {
    const host = told.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    if (!host || hello.peerPort < 1 || hello.peerPort > 65_535) return;
    this.tracker.connected(node, `${host.includes(':') ? `[${host}]` : host}:${hello.peerPort}`);
  }

  disconnected(node: string): void {
    this.tracker.disconnected(node);
  }

  /** HOST:PORT at which the node serves its peers. */
  addressOf(node: string): string | undefined {
    return this.tracker.addressOf(node);
  }

  /** An administrator has ordered these images onto the node. */
  ordered(node: string, images: readonly string[]): void {
    const nowMs = this.clock.now();
    for (const [key, endMs] of this.orders) if (endMs <= nowMs) this.orders.delete(key);
    for (const image of images) {
      if (this.orders.size >= maxOrders) return;
      this.orders.set(`${node} ${fullImageName(image)}`, nowMs + orderLifeMs);
    }
  }

  receive(session: AgentSession, message: AgentMessage__Output): void {
    if (message.blobQuery) this.query(session, message.blobQuery.id, message.blobQuery.digest);
    if (message.blobReport) this.report(session.node, message.blobReport);
    if (message.peerCheck) this.check(session, message.peerCheck);
  }

  private query({ node, outbound }: AgentSession, id: number, digest: string): void {
    if (!digestPattern.test(digest)) return;
    this.tracker.query(node, digest, (sources, waitingFor = '') => {
      const peers = sources.map((source) => ({ nodeName: source.node, address: source.address }));
      outbound.send(`blob/${id}`, { blobSources: { id, peers, waitingFor } });
    });
  }

  private report(node: string, { reset, have, gone, left }: BlobReport__Output): void {
    if (reset) this.tracker.reset(node);
    for (const digest of have) if (digestPattern.test(digest)) this.tracker.have(node, digest);
    for (const digest of gone) this.tracker.gone(node, digest);
    for (const digest of left) this.tracker.left(node, digest);
  }

  private check({ outbound }: AgentSession, { id, nodeName, image }: PeerCheck__Output): void {
    const refusal = this.mayHave(nodeName, image)
      ? ''
      : `no pod on node ${nodeName} uses ${image}, and nobody has ordered it there`;
    outbound.send(`check/${id}`, { peerVerdict: { id, refusal } });
  }

  private mayHave(node: string, image: string): boolean {
    const endMs = this.orders.get(`${node} ${image}`) ?? 0;
    if (endMs > this.clock.now()) return true;
    const pods = this.informers.for(PodKind).byIndex('node', node);
    return pods.some((pod) => !hasEnded(pod) && imagesOf(pod).includes(image));
  }
}

function imagesOf({ spec }: Pod): string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return containers.map(({ image }) => fullImageName(image ?? ''));
}
