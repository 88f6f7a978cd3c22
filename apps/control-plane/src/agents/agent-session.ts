import { status, type ServerDuplexStream } from '@grpc/grpc-js';
import type {
  AgentMessage__Output,
  Assign,
  ControlMessage,
  OpenStream,
  Resource,
  Snapshot,
} from '@gantry/agent-protocol';
import type { ApiObject, Pod } from '@gantry/api';
import { Outbound } from './outbound.js';
import { GrpcError } from './peer.js';
import {
  referencesOf,
  resourceKey,
  splitResourceKey,
  type ResourceKey,
  type ResourceKind,
} from './references.js';

export type SessionCall = ServerDuplexStream<AgentMessage__Output, ControlMessage>;

/** Looks up an object that a pod refers to among those that are stored. */
export type FindResource = (
  kind: ResourceKind,
  namespace: string,
  name: string,
) => ApiObject | undefined;

/** A part of a snapshot is closed when it has grown to this size, in bytes. */
const snapshotPartBytes = 1024 * 1024;

const encode = (object: unknown) => Buffer.from(JSON.stringify(object));

function toAssign(pod: Pod): Assign {
  const { uid, namespace, name, generation } = pod.metadata;
  return { pod: { uid, namespace, name, generation }, podJson: encode(pod) };
}

function toResource(key: ResourceKey, object: ApiObject | undefined): Resource {
  const [kind, namespace, name] = splitResourceKey(key);
  if (!object) return { kind, namespace, name, deleted: true };
  const { resourceVersion } = object.metadata;
  return { kind, namespace, name, resourceVersion, objectJson: encode(object) };
}

/** The control plane's end of one agent's stream: tells it its orders and what they refer to. */
export class AgentSession {
  readonly outbound: Outbound;
  /** When the agent was last heard of, in milliseconds since the epoch. */
  lastHeardMs = 0;
  private readonly podReferences = new Map<string, Set<ResourceKey>>();
  private readonly referenceCounts = new Map<ResourceKey, number>();
  private isEnded = false;

  constructor(
    readonly node: string,
    readonly call: SessionCall,
    private readonly find: FindResource,
  ) {
    this.outbound = new Outbound(call, () =>
      this.end(status.RESOURCE_EXHAUSTED, 'the agent is too far behind; it starts over'),
    );
  }

  get ended(): boolean {
    return this.isEnded;
  }

  /** Sends everything that is assigned, in parts. */
  snapshot(pods: readonly Pod[]): void {
    for (const pod of pods) this.refer(pod);
    const keys = [...this.referenceCounts.keys()];
    const resources = keys.map((key) => toResource(key, this.lookUp(key)));
    const existing = resources.filter((resource) => !resource.deleted);
    const parts = cutSnapshot(existing, pods.map(toAssign));
    for (const [index, part] of parts.entries()) {
      const snapshot = { ...part, more: index < parts.length - 1 };
      this.outbound.send(`snapshot/${index}`, { snapshot });
    }
  }

  /** Sends the orders for a pod, with what it refers to before it. */
  assign(pod: Pod): void {
    const known = new Set(this.referenceCounts.keys());
    this.refer(pod);
    for (const key of this.podReferences.get(pod.metadata.uid!)!) {
      if (known.has(key)) continue;
      const object = this.lookUp(key);
      if (object) this.sendResource(key, object);
    }
    this.outbound.send(`pod/${pod.metadata.uid}`, { assign: toAssign(pod) });
  }

  release(pod: Pod): void {
    const { uid, namespace, name, generation } = pod.metadata;
    this.unrefer(uid!);
    const release = { pod: { uid, namespace, name, generation } };
    this.outbound.send(`pod/${uid}`, { release });
  }

  /** Such an object changed or (undefined) went; only agents whose pods refer to it hear of it. */
  resourceChanged(kind: ResourceKind, namespace: string, name: string, object?: ApiObject): void {
    const key = resourceKey(kind, namespace, name);
    if (this.referenceCounts.has(key)) this.sendResource(key, object);
  }

  openStream(openStream: OpenStream): void {
    this.outbound.send(`stream/${openStream.streamId}`, { openStream });
  }

  /** Ends the stream from this side; the agent then turns to another control plane or comes again. */
  end(code: number, details: string): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.call.emit('error', new GrpcError(code, details));
  }

  private sendResource(key: ResourceKey, object: ApiObject | undefined): void {
    this.outbound.send(key, { resource: toResource(key, object) });
  }

  private lookUp(key: ResourceKey): ApiObject | undefined {
    return this.find(...splitResourceKey(key));
  }

  private refer(pod: Pod): void {
    const uid = pod.metadata.uid!;
    const next = referencesOf(pod);
    for (const key of next) this.count(key, 1);
    this.unrefer(uid);
    this.podReferences.set(uid, next);
  }

  private unrefer(uid: string): void {
    for (const key of this.podReferences.get(uid) ?? []) this.count(key, -1);
    this.podReferences.delete(uid);
  }

  private count(key: ResourceKey, change: number): void {
    const count = (this.referenceCounts.get(key) ?? 0) + change;
    if (count > 0) this.referenceCounts.set(key, count);
    else this.referenceCounts.delete(key);
  }
}

/** Distributes a snapshot over messages of bounded size; there is always at least one. */
export function cutSnapshot(resources: readonly Resource[], pods: readonly Assign[]): Snapshot[] {
  const parts: { resources: Resource[]; pods: Assign[] }[] = [{ resources: [], pods: [] }];
  let bytes = 0;
  const partFor = (size: number) => {
    if (bytes > 0 && bytes + size > snapshotPartBytes) {
      parts.push({ resources: [], pods: [] });
      bytes = 0;
    }
    bytes += size;
    return parts.at(-1)!;
  };
  for (const one of resources) partFor(one.objectJson?.length ?? 0).resources.push(one);
  for (const one of pods) partFor(one.podJson?.length ?? 0).pods.push(one);
  return parts;
}
