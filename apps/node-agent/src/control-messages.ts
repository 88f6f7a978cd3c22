import type {
  ControlMessage__Output,
  Resource__Output,
  Snapshot__Output,
} from '@gantry/agent-protocol';
import type { Node, Pod } from '@gantry/api';
import { describeError, type Logger } from '@gantry/base';
import type { BlobDesk } from './peers/blob-desk.js';
import type { PodRoute } from '@gantry/runtime-client';
import type { Order, PodManager } from './pods/pod-manager.js';
import type { ResourceCache } from './pods/resource-cache.js';
import type { Relays } from './streams/relays.js';

/** What the agent does when the control plane has spoken. */
export interface ControlSink {
  registered(node: Node, clusterCIDR: string, heartbeatMs: number): void;
  /** The snapshot is complete and obeyed. */
  synced(): void;
  routes(routes: readonly PodRoute[]): void;
}

const decode = (json: Buffer): unknown => JSON.parse(json.toString('utf8'));

function toOrder(assign: { pod: Order['ref'] | null; podJson: Buffer }): Order {
  return { ref: assign.pod!, pod: decode(assign.podJson) as Pod };
}

/** Takes the control plane's messages in order and hands each to the part that obeys it. */
export class ControlMessages {
  private readonly snapshotParts: Snapshot__Output[] = [];

  constructor(
    private readonly pods: PodManager,
    private readonly resources: ResourceCache,
    private readonly relays: Relays,
    private readonly blobs: BlobDesk,
    private readonly sink: ControlSink,
    private readonly logger: Logger,
  ) {}

  /** A message that cannot be read is logged and left out: the rest still counts. */
  receive(message: ControlMessage__Output): void {
    try {
      this.dispatch(message);
    } catch (error) {
      this.logger.error(
        { message: message.message, err: describeError(error) },
        'unusable message',
      );
    }
  }

  /** A snapshot that was cut off is worth nothing. */
  reset(): void {
    this.snapshotParts.length = 0;
  }

  private dispatch(message: ControlMessage__Output): void {
    switch (message.message) {
      case 'registered': {
        const { nodeJson, clusterCidr, heartbeatMillis } = message.registered!;
        return this.sink.registered(decode(nodeJson) as Node, clusterCidr, heartbeatMillis);
      }
      case 'snapshot':
        return this.snapshot(message.snapshot!);
      case 'assign':
        return this.pods.assign(toOrder(message.assign!));
      case 'release':
        return this.pods.release(message.release!.pod!.uid);
      case 'resource':
        return this.resource(message.resource!);
      case 'routes':
        return this.sink.routes(
          message.routes!.routes.map(({ podCidr, via }) => ({ podCIDR: podCidr, via })),
        );
      case 'openStream':
        return this.relays.open(message.openStream!);
      case 'cancelStream':
        return this.relays.cancel(message.cancelStream!.streamId);
      case 'blobSources':
        return this.blobs.sources(message.blobSources!);
      case 'peerVerdict':
        return this.blobs.verdict(message.peerVerdict!);
      case undefined:
        return undefined;
    }
  }

  private snapshot(part: Snapshot__Output): void {
    this.snapshotParts.push(part);
    if (part.more) return;
    const parts = this.snapshotParts.splice(0);
    this.resources.clear();
    for (const resource of parts.flatMap((one) => one.resources)) this.store(resource);
    this.pods.assignAll(parts.flatMap((one) => one.pods.map(toOrder)));
    for (const namespace of new Set(parts.flatMap((p) => p.resources.map((r) => r.namespace)))) {
      this.pods.resourceChanged(namespace);
    }
    this.sink.synced();
  }

  private resource(resource: Resource__Output): void {
    this.store(resource);
    this.pods.resourceChanged(resource.namespace);
  }

  private store({ kind, namespace, name, deleted, objectJson }: Resource__Output): void {
    if (deleted) this.resources.remove(kind, namespace, name);
    else this.resources.put(kind, namespace, name, decode(objectJson));
  }
}
