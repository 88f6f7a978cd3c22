import { status } from '@grpc/grpc-js';
import type { AgentMessage__Output, Hello__Output } from '@gantry/agent-protocol';
import {
  ConfigMapKind,
  NodeKind,
  PodKind,
  RuntimeClassKind,
  SecretKind,
  type ApiObject,
  type Event,
  type Node,
  type NodeStatus,
  type Pod,
  type PodStatus,
} from '@gantry/api';
import { describeError, timestamp, type Clock, type Logger } from '@gantry/base';
import type { Informer, Informers } from '@gantry/controller';
import { AgentSession, type SessionCall } from './agent-session.js';
import { ClaimedVolumes } from './claimed-volumes.js';
import type { BlobExchange } from './blob-exchange.js';
import type { AgentEvents } from './agent-events.js';
import type { Metering } from './metering.js';
import type { NodeRegistrar } from './node-registrar.js';
import { GrpcError } from './peer.js';
import type { PodStatusWriter } from './pod-status-writer.js';
import type { ResourceKind } from './references.js';
import type { SessionKeys } from './session-keys.js';

/** An agent that is silent for this long counts as gone, in milliseconds. */
export const silenceLimitMs = 10_000;

export interface AgentSessionsOptions {
  readonly informers: Informers;
  readonly registrar: NodeRegistrar;
  readonly statuses: PodStatusWriter;
  readonly metering: Metering;
  readonly keys: SessionKeys;
  readonly events: AgentEvents;
  readonly blobs: BlobExchange;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identity: string;
  /** HOST:PORT at which other control planes reach this one's API. */
  readonly address: () => string;
  readonly clusterCidr: string;
  readonly heartbeatMillis: number;
}

const decode = (json: Buffer): unknown => JSON.parse(json.toString('utf8'));

/** All agents connected to this control plane: takes what they say and tells them their orders. */
export class AgentSessions {
  private readonly sessions = new Map<string, AgentSession>();
  private readonly pods: Informer<Pod>;
  private readonly nodes: Informer<Node>;
  private readonly claimed: ClaimedVolumes;
  /** Pods that wait for the directories of their claims: where they are found, by uid. */
  private readonly unresolved = new Map<string, { namespace: string; name: string }>();
  private readonly unsubscribe: (() => void)[] = [];
  private routesQueued = false;

  constructor(private readonly options: AgentSessionsOptions) {
    const { informers } = options;
    this.pods = informers.for(PodKind);
    this.nodes = informers.for(NodeKind);
    this.claimed = new ClaimedVolumes(informers);
    this.pods.addIndex('node', (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []));
  }

  get size(): number {
    return this.sessions.size;
  }

  find(node: string): AgentSession | undefined {
    return this.sessions.get(node);
  }

  /** Follows pods, what they refer to, and nodes, and watches over heartbeats, until the signal aborts. */
  start(signal: AbortSignal): void {
    this.unsubscribe.push(
      this.pods.subscribe({
        added: (pod) => this.podChanged(pod),
        updated: (pod, previous) => this.podChanged(pod, previous),
        deleted: (pod: Pod) => {
          this.unresolved.delete(pod.metadata.uid!);
          this.sessionOf(pod)?.release(pod);
        },
      }),
      this.claimed.subscribe(() => this.resolveAgain()),
      this.follow('ConfigMap'),
      this.follow('Secret'),
      this.follow('RuntimeClass'),
      this.nodes.subscribe({
        added: () => this.routesChanged(),
        updated: (node, previous) => this.nodeChanged(node, previous),
        deleted: () => this.routesChanged(),
      }),
    );
    const timer = setInterval(() => this.endSilent(), 1000);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      this.close();
    });
  }

  /** Serves one stream until it ends. */
  serve(node: string, call: SessionCall): void {
    const session = new AgentSession(node, call, (...key) => this.lookUp(...key));
    session.lastHeardMs = this.options.clock.now();
    // Messages are taken one after the other: Hello has to be dealt with before what follows it.
    let turn = Promise.resolve();
    call.on('data', (message: AgentMessage__Output) => {
      session.lastHeardMs = this.options.clock.now();
      if (message.heartbeat) return this.receive(session, message);
      call.pause();
      turn = turn
        .then(() => this.handle(session, message))
        .catch((error: unknown) => this.failed(session, error))
        .then(() => void call.resume());
    });
    call.on('end', () => {
      this.ended(session);
      call.end();
    });
    call.on('error', () => this.ended(session));
    call.on('cancelled', () => this.ended(session));
  }

  private failed(session: AgentSession, error: unknown): void {
    const { node } = session;
    this.options.logger.warn({ node, err: describeError(error) }, 'session failed');
    const known = error instanceof GrpcError;
    const code = known ? error.code : status.UNAVAILABLE;
    session.end(code, known ? error.details : `control plane: ${describeError(error)}`);
    this.ended(session);
  }

  private async handle(session: AgentSession, message: AgentMessage__Output): Promise<void> {
    if (message.hello) return this.hello(session, message.hello);
    if (this.sessions.get(session.node) !== session) {
      throw new GrpcError(status.FAILED_PRECONDITION, 'the first message must be Hello');
    }
    if (message.nodeStatus) {
      const told = decode(message.nodeStatus.statusJson) as NodeStatus;
      await this.options.registrar.updateStatus(session.node, told);
      return;
    }
    this.receive(session, message);
  }

  private receive(session: AgentSession, message: AgentMessage__Output): void {
    if (this.sessions.get(session.node) !== session) return;
    const { statuses, metering, events, clock } = this.options;
    const { node } = session;
    if (message.heartbeat) metering.record(node, message.heartbeat, clock.now());
    if (message.podStatus?.pod) {
      const { pod, statusJson } = message.podStatus;
      statuses.status({ ...pod, nodeName: node }, decode(statusJson) as PodStatus);
    }
    if (message.podGone?.pod) statuses.gone({ ...message.podGone.pod, nodeName: node });
    this.options.blobs.receive(session, message);
    if (message.event) events.record(node, decode(message.event.eventJson) as Event);
  }

  private async hello(session: AgentSession, hello: Hello__Output): Promise<void> {
    const { registrar, keys, clock, identity, address, logger, informers } = this.options;
    const { node } = session;
    const told = decode(hello.nodeJson) as Node;
    if (told.metadata?.name !== node) {
      const details = `the certificate is of node "${node}", not of "${told.metadata?.name}"`;
      throw new GrpcError(status.PERMISSION_DENIED, details);
    }
    const kinds = [ConfigMapKind, SecretKind, RuntimeClassKind, PodKind, NodeKind] as const;
    await Promise.all(kinds.map((kind) => informers.for<ApiObject>(kind as never).synced));
    await this.claimed.synced;
    const stored = await registrar.register(node, told);
    this.sessions.get(node)?.end(status.ABORTED, 'the node has connected again');
    if (session.ended) return;
    this.sessions.set(node, session);
    this.options.blobs.connected(session, hello, told);
    this.register(session, stored);
    // A pod that runs is never left out of it, or the agent would take it down.
    const pods = this.pods.byIndex('node', node);
    session.snapshot(pods.map((pod) => this.claimed.resolve(pod) ?? pod));
    this.sendRoutes(session);
    const since = timestamp(clock.now());
    await keys.put(node, { controlPlane: identity, address: address(), since });
    logger.info({ node, pods: hello.pods.length, version: hello.agentVersion }, 'agent connected');
  }

  private register(session: AgentSession, node: Node): void {
    const { clusterCidr, heartbeatMillis } = this.options;
    const nodeJson = Buffer.from(JSON.stringify(node));
    session.outbound.send('registered', { registered: { nodeJson, heartbeatMillis, clusterCidr } });
  }

  private ended(session: AgentSession): void {
    const { keys, metering, blobs, logger } = this.options;
    const { node } = session;
    session.end(status.CANCELLED, 'ended');
    if (this.sessions.get(node) !== session) return;
    this.sessions.delete(node);
    metering.forget(node);
    blobs.disconnected(node);
    logger.info({ node }, 'agent disconnected');
    keys.remove(node).catch((error: unknown) => {
      logger.warn(
        { node, err: describeError(error) },
        'session key not removed; its lease will end it',
      );
    });
  }

  private endSilent(): void {
    const now = this.options.clock.now();
    for (const session of this.sessions.values()) {
      if (now - session.lastHeardMs <= silenceLimitMs) continue;
      session.end(status.DEADLINE_EXCEEDED, `nothing heard for ${silenceLimitMs / 1000} s`);
      this.ended(session);
    }
  }

  private close(): void {
    for (const stop of this.unsubscribe.splice(0)) stop();
    for (const session of this.sessions.values()) {
      session.end(status.UNAVAILABLE, 'the control plane is stopping');
      this.ended(session);
    }
  }

  private sessionOf(pod: Pod): AgentSession | undefined {
    return this.sessions.get(pod.spec.nodeName ?? '');
  }

  private podChanged(pod: Pod, previous?: Pod): void {
    const session = this.sessionOf(pod);
    if (!session) return;
    // The agent's own status reports come back as changes; they are no news to it.
    const isSameNode = previous?.spec.nodeName === pod.spec.nodeName;
    if (previous && isSameNode && !isNews(pod, previous)) return;
    const { uid, namespace, name, deletionTimestamp } = pod.metadata;
    // To end it the agent needs no volumes, and a claim that is gone will not come back.
    const resolved = this.claimed.resolve(pod) ?? (deletionTimestamp ? pod : undefined);
    if (!resolved) return void this.unresolved.set(uid!, { namespace: namespace!, name: name! });
    this.unresolved.delete(uid!);
    session.assign(resolved);
  }

  private resolveAgain(): void {
    for (const [uid, { namespace, name }] of this.unresolved) {
      const pod = this.pods.get(namespace, name);
      const resolved = pod?.metadata.uid === uid ? this.claimed.resolve(pod) : undefined;
      if (resolved || pod?.metadata.uid !== uid) this.unresolved.delete(uid);
      if (resolved) this.sessionOf(resolved)?.assign(resolved);
    }
  }

  private follow(kind: ResourceKind): () => void {
    const informer = this.resourceInformer(kind);
    const tell = ({ metadata }: ApiObject, object?: ApiObject) => {
      for (const session of this.sessions.values()) {
        session.resourceChanged(kind, metadata.namespace ?? '', metadata.name!, object);
      }
    };
    return informer.subscribe({
      added: (object) => tell(object, object),
      updated: (object) => tell(object, object),
      deleted: (object) => tell(object),
    });
  }

  private resourceInformer(kind: ResourceKind): Informer<ApiObject> {
    const { informers } = this.options;
    if (kind === 'RuntimeClass') return informers.for(RuntimeClassKind) as Informer<never>;
    return kind === 'Secret' ? informers.for(SecretKind) : informers.for(ConfigMapKind);
  }

  private lookUp(kind: ResourceKind, namespace: string, name: string): ApiObject | undefined {
    return this.resourceInformer(kind).get(namespace || undefined, name);
  }

  private nodeChanged(node: Node, previous: Node): void {
    const session = this.sessions.get(node.metadata.name!);
    if (session && node.spec.podCIDR !== previous.spec.podCIDR) this.register(session, node);
    const moved = addressOf(node) !== addressOf(previous);
    if (moved || node.spec.podCIDR !== previous.spec.podCIDR) this.routesChanged();
  }

  /** Many nodes change at once when a cluster starts: their routes are sent together. */
  private routesChanged(): void {
    if (this.routesQueued) return;
    this.routesQueued = true;
    setTimeout(() => {
      this.routesQueued = false;
      for (const session of this.sessions.values()) this.sendRoutes(session);
    }, 50).unref();
  }

  private sendRoutes(session: AgentSession): void {
    const routes = this.nodes
      .list()
      .filter((node) => node.metadata.name !== session.node)
      .map((node) => ({
        nodeName: node.metadata.name,
        podCidr: node.spec.podCIDR,
        via: addressOf(node),
      }))
      .filter((route) => route.podCidr && route.via);
    session.outbound.send('routes', { routes: { routes } });
  }
}

function addressOf(node: Node): string | undefined {
  return node.status?.addresses?.find((address) => address.type === 'InternalIP')?.address;
}

/** Whether a pod changed in anything but what its own agent reports. */
function isNews(pod: Pod, previous: Pod): boolean {
  const relevant = ({ metadata, spec, status: { conditions, qosClass } = {} }: Pod) => {
    const { generation, deletionTimestamp, deletionGracePeriodSeconds, labels, annotations } =
      metadata;
    const gates = spec.readinessGates?.map((gate) => {
      return conditions?.find((condition) => condition.type === gate.conditionType);
    });
    const orders = {
      generation,
      deletionTimestamp,
      deletionGracePeriodSeconds,
      labels,
      annotations,
    };
    return JSON.stringify([orders, spec, gates, qosClass]);
  };
  return relevant(pod) !== relevant(previous);
}
