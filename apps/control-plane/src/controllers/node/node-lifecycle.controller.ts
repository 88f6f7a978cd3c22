import { NodeKind, PodKind, type Node, type Pod, type Taint } from '@gantry/api';
import { isReason } from '@gantry/base';
import { Controller, source, type Informer } from '@gantry/controller';
import type { ControllerContext } from '../context.js';
import type { EventSink } from '../../events/index.js';
import { podInformer, podsOnNode } from '../pod-index.js';
import { earliestEviction, unreachableTaint } from './eviction.js';
import type { NodeSessions } from './node-sessions.js';
import {
  conditionTaints,
  lostReason,
  markedBack,
  markedLost,
  podOfFoundNode,
  podOfLostNode,
} from './node-state.js';

export interface NodeLifecycleOptions {
  readonly sessions: NodeSessions;
  /** A node without a session for so long is Unknown and unreachable. */
  readonly nodeGraceSeconds: number;
  /** Its pods are given up so long after that. */
  readonly podEvictionSeconds: number;
}

/** Tells nodes that are out of reach, taints them, and gives their pods up so that others replace them. */
export function nodeLifecycleController(
  context: ControllerContext,
  options: NodeLifecycleOptions,
): Controller {
  const reconciler = new NodeLifecycle(context, options);
  const controller = new Controller({
    name: 'node-lifecycle',
    concurrency: 4,
    sources: [
      source(reconciler.nodes, (node) => [node.metadata.name!]),
      source(reconciler.pods, (pod) => reconciler.concernedBy(pod)),
    ],
    reconcile: (key) => reconciler.reconcile(key),
    logger: context.logger,
    clock: context.clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
  options.sessions.subscribe((node) => controller.queue.add(node));
  return controller;
}

/** Nothing follows from the node's own state: neither a mark to take away nor an eviction. */
function isUntroubled({ status, spec }: Node): boolean {
  const isLost = status?.conditions?.some((c) => c.type === 'Ready' && c.reason === lostReason);
  return !isLost && !spec?.taints?.some(({ effect }) => effect === 'NoExecute');
}

class NodeLifecycle {
  readonly nodes: Informer<Node>;
  readonly pods: Informer<Pod>;
  private readonly events: EventSink;
  /** Since when this leader has missed the session, or the Node object of pods that are bound to it. */
  private readonly missingMs = new Map<string, number>();
  /** Since when this leader has known of a taint without a time of its own. */
  private readonly taintedMs = new Map<string, number>();

  constructor(
    private readonly context: ControllerContext,
    private readonly options: NodeLifecycleOptions,
  ) {
    this.nodes = context.informers.for(NodeKind);
    this.pods = podInformer(context.informers);
    this.events = context.events.for('node-controller');
  }

  /** The pod's node, unless all is well there: then nothing is asked of its pods, however many come. */
  concernedBy(pod: Pod): string[] {
    const name = pod.spec.nodeName;
    if (!name) return [];
    const node = this.nodes.get(undefined, name);
    const isWell =
      node !== undefined &&
      this.options.sessions.has(name) &&
      !this.missingMs.has(name) &&
      isUntroubled(node) &&
      !podOfFoundNode(pod, this.nowMs);
    return isWell ? [] : [name];
  }

  async reconcile(name: string): Promise<void | { requeueAfterMs: number }> {
    await this.options.sessions.synced;
    const node = this.nodes.get(undefined, name);
    if (!node) return this.withoutNode(name);
    const waitMs = this.options.sessions.has(name)
      ? await this.found(node)
      : await this.missed(node);
    const current = await this.taint(node);
    const evictMs = await this.evict(current);
    const next = Math.min(waitMs ?? Infinity, evictMs ?? Infinity);
    return next === Infinity ? undefined : { requeueAfterMs: Math.max(50, next) };
  }

  private async found(node: Node): Promise<undefined> {
    const name = node.metadata.name!;
    this.missingMs.delete(name);
    const isLost = node.status?.conditions?.some(
      (c) => c.type === 'Ready' && c.reason === lostReason,
    );
    const pods = podsOnNode(this.pods, name);
    await this.changePods(pods, (pod) => podOfFoundNode(pod, this.nowMs));
    if (!isLost) return undefined;
    await this.changeStatus(node, (current) => markedBack(current, this.nowMs));
    const message = `Node ${name} status is now: NodeReady`;
    this.events.record(NodeKind, node, { type: 'Normal', reason: 'NodeReady', message });
    return undefined;
  }

  /** Returns how long the session may still stay away before the node counts as lost. */
  private async missed(node: Node): Promise<number | undefined> {
    const name = node.metadata.name!;
    const { nodeGraceSeconds } = this.options;
    const leftMs = this.since(this.missingMs, name) + nodeGraceSeconds * 1_000 - this.nowMs;
    if (leftMs > 0) return leftMs;
    const before = node.status?.conditions?.find(({ type }) => type === 'Ready');
    await this.changeStatus(node, (current) => markedLost(current, nodeGraceSeconds, this.nowMs));
    await this.changePods(podsOnNode(this.pods, name), (pod) => podOfLostNode(pod, this.nowMs));
    if (before?.status !== 'Unknown') {
      const message = `Node ${name} status is now: NodeNotReady`;
      this.events.record(NodeKind, node, { type: 'Warning', reason: 'NodeNotReady', message });
    }
    return undefined;
  }

  private async taint(node: Node): Promise<Node> {
    const fresh = this.nodes.get(undefined, node.metadata.name!) ?? node;
    if (!conditionTaints(fresh, this.nowMs)) return fresh;
    return this.context.resources.mutate(NodeKind, undefined, fresh.metadata.name!, (current) => {
      const taints = conditionTaints(current, this.nowMs);
      return taints && { ...current, spec: { ...current.spec, taints } };
    });
  }

  /** Deletes pods that do not tolerate the node's taints any longer; returns when the next one is due. */
  private async evict(node: Node): Promise<number | undefined> {
    const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
    if (taints.length === 0 || this.isOutage(taints)) {
      this.forgetTaints(node);
      return taints.length === 0 ? undefined : this.options.nodeGraceSeconds * 1_000;
    }
    const added = taints.map((taint) => ({ taint, addedMs: this.addedMs(node, taint) }));
    let nextMs: number | undefined;
    for (const pod of podsOnNode(this.pods, node.metadata.name!)) {
      const graceMs = this.options.podEvictionSeconds * 1_000;
      const atMs = pod.metadata.deletionTimestamp
        ? undefined
        : earliestEviction(pod, added, graceMs);
      if (atMs === undefined) continue;
      if (atMs <= this.nowMs) await this.evictPod(pod, node);
      else nextMs = Math.min(nextMs ?? Infinity, atMs - this.nowMs);
    }
    return nextMs;
  }

  /** When no agent at all is connected, it is rather us who are cut off: then nothing is given up. */
  private isOutage(taints: readonly Taint[]): boolean {
    const isLost = taints.some((taint) => taint.key === unreachableTaint);
    return isLost && this.options.sessions.size === 0;
  }

  private async evictPod(pod: Pod, node: Node): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const message = `Marking for deletion Pod ${namespace}/${name}: node ${node.metadata.name} is tainted and the pod does not tolerate it any longer`;
    try {
      await this.context.resources.delete(PodKind, namespace, name!, {
        preconditions: { uid: uid! },
      });
      this.events.record(PodKind, pod, { type: 'Normal', reason: 'TaintManagerEviction', message });
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
    }
  }

  /** Pods of a node that was deleted: nobody will ever report their end. */
  private async withoutNode(name: string): Promise<void | { requeueAfterMs: number }> {
    const pods = podsOnNode(this.pods, name);
    if (pods.length === 0) {
      this.missingMs.delete(name);
      return;
    }
    const graceMs = this.options.nodeGraceSeconds * 1_000;
    const leftMs = this.since(this.missingMs, name) + graceMs - this.nowMs;
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    // The cache may lag behind a node that has just registered.
    if (await this.context.resources.find(NodeKind, undefined, name))
      return { requeueAfterMs: 1_000 };
    for (const { metadata } of pods) {
      const options = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid! } };
      await this.context.resources
        .delete(PodKind, metadata.namespace, metadata.name!, options)
        .catch((error: unknown) => {
          if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
        });
    }
  }

  private changeStatus(node: Node, change: (current: Node) => Node | undefined): Promise<Node> {
    return this.context.resources.mutateStatus(NodeKind, undefined, node.metadata.name!, change);
  }

  private async changePods(
    pods: readonly Pod[],
    change: (pod: Pod) => Pod | undefined,
  ): Promise<void> {
    for (const pod of pods) {
      if (!change(pod)) continue;
      const { namespace, name, uid } = pod.metadata;
      await this.context.resources
        .mutateStatus(PodKind, namespace, name!, (current) =>
          current.metadata.uid === uid ? change(current) : undefined,
        )
        .catch((error: unknown) => {
          if (!isReason(error, 'NotFound')) throw error;
        });
    }
  }

  private addedMs(node: Node, taint: Taint): number {
    const stated = Date.parse(taint.timeAdded ?? '');
    if (!Number.isNaN(stated)) return stated;
    return this.since(this.taintedMs, `${node.metadata.name}/${taint.key}=${taint.value ?? ''}`);
  }

  private forgetTaints(node: Node): void {
    const prefix = `${node.metadata.name}/`;
    for (const key of this.taintedMs.keys()) if (key.startsWith(prefix)) this.taintedMs.delete(key);
  }

  private since(times: Map<string, number>, key: string): number {
    const known = times.get(key);
    if (known !== undefined) return known;
    times.set(key, this.nowMs);
    return this.nowMs;
  }

  private get nowMs(): number {
    return this.context.clock.now();
  }
}
