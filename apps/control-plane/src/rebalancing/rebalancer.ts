import {
  isReady,
  isRebalanced,
  NodeKind,
  PodKind,
  RebalanceKind,
  type Node,
  type Pod,
  type Rebalance,
  type RebalanceMove,
  type RebalanceStatus,
} from '@gantry/api';
import { describeError, isReason, timestamp } from '@gantry/base';
import type { Informer } from '@gantry/controller';
import type { Profile } from '@gantry/scheduler';
import { controllerOf } from '../controllers/ownership.js';
import type { ControllerContext } from '../controllers/context.js';
import { podInformer, podsOnNode } from '../controllers/pod-index.js';
import type { EventSink } from '../events/index.js';
import { mobilityOf } from './mobility.js';
import { replacesAnnotation, type Relocations } from './relocations.js';
import { fitsOn } from './target.js';

/** How long a budget may hold a move up before the rebalance stops. */
const budgetPatienceMs = 300_000;
/** How long the replacement of a moved pod may take to run. */
const startPatienceMs = 600_000;
/** How often it is looked again while something is waited for. */
const recheckMs = 5_000;

/** What is to be done after a look: write this, and look again later if nothing happens. */
interface Progress {
  readonly status: RebalanceStatus;
  readonly requeueAfterMs?: number;
}

const podOf = ({ namespace, pod }: RebalanceMove) => `${namespace}/${pod}`;

/** Carries out the moves of a Rebalance, one after the other, and stops when one no longer makes sense. */
export class Rebalancer {
  readonly pods: Informer<Pod>;
  private readonly nodes: Informer<Node>;
  private readonly events: EventSink;

  constructor(
    private readonly context: ControllerContext,
    private readonly relocations: Relocations,
    private readonly profile?: Profile,
  ) {
    this.pods = podInformer(context.informers);
    this.nodes = context.informers.for(NodeKind);
    this.events = context.events.for('rebalance-controller');
  }

  /** Takes it one step further; idempotent. */
  async advance(rebalance: Rebalance): Promise<void | { requeueAfterMs: number }> {
    const { status, requeueAfterMs } = await this.step(rebalance);
    await this.write(rebalance, status);
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  private async step(rebalance: Rebalance): Promise<Progress> {
    const { spec, status = {} } = rebalance;
    const move = spec.moves[status.moved ?? 0];
    if (!move) return this.end(rebalance, 'Completed', spec.gain ?? 'all moves are done');
    return status.evicting ? this.follow(rebalance, move) : this.begin(rebalance, move);
  }

  /** Writes the intention down; the eviction follows when it is seen, so that it is never forgotten. */
  private begin(rebalance: Rebalance, move: RebalanceMove): Progress {
    const pod = this.current(move);
    const obstacle = this.obstacle(move, pod);
    if (obstacle) return this.end(rebalance, 'Stopped', obstacle);
    const { spec, status = {} } = rebalance;
    const number = (status.moved ?? 0) + 1;
    const message = `moves ${podOf(move)} from ${move.from} to ${move.to} (${number} of ${spec.moves.length})`;
    const moveStartedAt = timestamp(this.context.clock.now());
    const owner = controllerOf(pod!)!.uid;
    const next = { moved: number - 1, evicting: true, owner, moveStartedAt };
    return { status: { phase: 'Running', message, ...next } };
  }

  private current({ namespace, pod, uid }: RebalanceMove): Pod | undefined {
    const found = this.pods.get(namespace, pod);
    return found?.metadata.uid === uid ? found : undefined;
  }

  /** Why the move cannot be made as it was planned. */
  private obstacle(move: RebalanceMove, pod: Pod | undefined): string | undefined {
    const changed = 'since it was planned: plan again';
    if (pod?.spec.nodeName !== move.from) {
      return `pod ${podOf(move)} is no longer on ${move.from}; the cluster has changed ${changed}`;
    }
    const { sort, why } = mobilityOf(pod);
    if (sort !== 'movable') return `pod ${podOf(move)} ${why}; that has changed ${changed}`;
    const node = this.nodes.get(undefined, move.to);
    const there = podsOnNode(this.pods, move.to);
    if (node && fitsOn(pod, node, there, this.profile)) return undefined;
    return `pod ${podOf(move)} does not fit on ${move.to} any more; the cluster has changed ${changed}`;
  }

  /** The move is under way: the old pod goes, and the new one comes. */
  private async follow(rebalance: Rebalance, move: RebalanceMove): Promise<Progress> {
    const pod = this.current(move);
    if (pod && !pod.metadata.deletionTimestamp) return this.evict(rebalance, move, pod);
    const { status = {} } = rebalance;
    const next = this.replacement(move, status);
    // An earlier leader may have evicted the pod, and ended before its controller made another one.
    if (!next && status.owner) this.expect(status.owner, move);
    const at = next?.spec.nodeName;
    if (next && at && at !== move.to) {
      const message = `${next.metadata.name}, which replaces ${podOf(move)}, came to ${at} and not to ${move.to}: plan again`;
      return this.end(rebalance, 'Stopped', message);
    }
    if (!pod && next && at && isReady(next)) {
      const moved = (status.moved ?? 0) + 1;
      return { status: { phase: 'Running', message: status.message ?? '', moved } };
    }
    if (this.elapsedMs(status) > startPatienceMs) {
      const late = next
        ? `${next.metadata.name}, which replaces ${podOf(move)}, does not become ready`
        : `nothing came in place of ${podOf(move)}: its owner may want fewer pods`;
      return this.end(rebalance, 'Stopped', late);
    }
    return { status, requeueAfterMs: recheckMs };
  }

  /** The pod that was made for this move; else one that its owner has made since. */
  private replacement(
    { namespace, uid }: RebalanceMove,
    { owner, moveStartedAt = '' }: RebalanceStatus,
  ): Pod | undefined {
    const pods = this.pods.list(namespace);
    const replaces = ({ metadata }: Pod) => metadata.annotations?.[replacesAnnotation];
    const marked = pods.find((pod) => replaces(pod) === uid);
    return (
      marked ??
      pods.find(
        (pod) =>
          controllerOf(pod)?.uid === owner &&
          replaces(pod) === undefined &&
          (pod.metadata.creationTimestamp ?? '') > moveStartedAt,
      )
    );
  }

  private expect(owner: string, { uid, to }: RebalanceMove): void {
    this.relocations.expect(owner, { pod: uid, to });
  }

  private elapsedMs({ moveStartedAt }: RebalanceStatus): number {
    return this.context.clock.now() - Date.parse(moveStartedAt ?? '');
  }

  private async evict(rebalance: Rebalance, move: RebalanceMove, pod: Pod): Promise<Progress> {
    const { status = {}, metadata } = rebalance;
    const owner = controllerOf(pod)!.uid;
    this.expect(owner, move);
    try {
      await this.context.resources.evict(move.namespace, move.pod, {
        preconditions: { uid: move.uid },
      });
    } catch (error) {
      this.relocations.end(owner);
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return { status };
      if (!isReason(error, 'TooManyRequests')) throw error;
      return this.heldUp(rebalance, move, error);
    }
    const message = `Evicted from ${move.from} by rebalance ${metadata.name}, to run on ${move.to}: ${rebalance.spec.gain ?? 'a better place'}`;
    this.events.record(PodKind, pod, { type: 'Normal', reason: 'Rebalanced', message });
    return { status, requeueAfterMs: recheckMs };
  }

  private heldUp(rebalance: Rebalance, move: RebalanceMove, error: Error): Progress {
    const { status = {} } = rebalance;
    const cause = (error as { details?: { causes?: readonly { message: string }[] } }).details
      ?.causes?.[0]?.message;
    const why = cause ?? describeError(error);
    if (this.elapsedMs(status) > budgetPatienceMs) {
      return this.end(rebalance, 'Stopped', `${podOf(move)} may not be evicted: ${why}`);
    }
    const message = `waits until ${podOf(move)} may be evicted: ${why}`;
    return { status: { ...status, message }, requeueAfterMs: recheckMs };
  }

  private end(rebalance: Rebalance, phase: 'Completed' | 'Stopped', message: string): Progress {
    const type = phase === 'Completed' ? 'Normal' : 'Warning';
    this.events.record(RebalanceKind, rebalance, { type, reason: phase, message });
    const completedAt = timestamp(this.context.clock.now());
    const { moved = 0 } = rebalance.status ?? {};
    return { status: { phase, message, moved, completedAt } };
  }

  private async write(rebalance: Rebalance, status: RebalanceStatus): Promise<void> {
    if (JSON.stringify(status) === JSON.stringify(rebalance.status)) return;
    const { name, uid } = rebalance.metadata;
    await this.context.resources
      .mutateStatus(RebalanceKind, undefined, name!, (current) =>
        current.metadata.uid !== uid || isRebalanced(current) ? undefined : { ...current, status },
      )
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
  }
}
