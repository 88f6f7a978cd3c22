import {
  isReady,
  isRebalanced,
  PodKind,
  RebalanceKind,
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
import { podInformer } from '../controllers/pod-index.js';
import type { EventSink } from '../events/index.js';
import { Obstacles, podOf } from './obstacles.js';
import {
  exchangeGate,
  keepingRoom,
  replacesAnnotation,
  waitsForExchange,
  type Relocations,
} from './relocations.js';

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

/** The pods that wait behind the gate of an exchange. */
const byGate = 'exchange-gate';

/**
 * Carries out the moves of a Rebalance, one after the other, and stops when one no longer makes sense. Of two
 * pods that change places the first goes, and its replacement waits behind a gate until the other has gone.
 */
export class Rebalancer {
  readonly pods: Informer<Pod>;
  private readonly obstacles: Obstacles;
  private readonly events: EventSink;

  constructor(
    private readonly context: ControllerContext,
    private readonly relocations: Relocations,
    profile?: Profile,
  ) {
    this.pods = podInformer(context.informers);
    this.pods.addIndex(byGate, (pod) => (waitsForExchange(pod) ? [byGate] : []));
    this.obstacles = new Obstacles(context.informers, profile);
    this.events = context.events.for('rebalance-controller');
  }

  /** Takes it one step further; idempotent. */
  async advance(rebalance: Rebalance): Promise<void | { requeueAfterMs: number }> {
    const { status, requeueAfterMs } = await this.step(rebalance);
    await this.write(rebalance, status);
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  /** Lets go whom nothing waits for any more: `current` is the rebalance that is under way. */
  async releaseAllBut(current: Rebalance | undefined): Promise<void> {
    const move = current?.spec.moves[current.status?.moved ?? 0];
    for (const pod of this.pods.byIndex(byGate, byGate)) {
      const awaited = move?.exchangeWith !== undefined && move.uid === replacedBy(pod);
      if (!awaited) await this.release(pod);
    }
  }

  private async step(rebalance: Rebalance): Promise<Progress> {
    const { spec, status = {} } = rebalance;
    const done = status.moved ?? 0;
    const move = spec.moves[done];
    if (!move) return this.end(rebalance, 'Completed', spec.gain ?? 'all moves are done');
    const other = move.exchangeWith === undefined ? undefined : spec.moves[done + 1];
    if (!status.evicting) return this.begin(rebalance, move, other);
    if (!other) return (await this.carry(rebalance, move)) ?? moved(rebalance, 1);
    if (!status.exchanging) return this.makeWay(rebalance, move, other);
    return this.exchange(rebalance, move, other);
  }

  /** The first pod of an exchange goes; its replacement is made and waits. */
  private async makeWay(
    rebalance: Rebalance,
    move: RebalanceMove,
    other: RebalanceMove,
  ): Promise<Progress> {
    const { status = {} } = rebalance;
    const [pod, second] = [this.current(move), this.current(other)];
    if (pod && !pod.metadata.deletionTimestamp) {
      const budget = this.obstacles.budgetAgainst(second ? [pod, second] : [pod]);
      if (budget) return this.heldUp(rebalance, move, budget);
      // Whoever ends quickly is gone before its replacement is made, and others wait for its room.
      const isMarked = await this.mutatePod(pod, (current) => keepingRoom(current, move.from));
      if (!isMarked) return { status, requeueAfterMs: recheckMs };
      return this.evict(rebalance, move, pod, other);
    }
    const next = this.replacement(move, status);
    if (!next && status.owner) this.expect(status.owner, move, other);
    if (next && !waitsForExchange(next)) {
      const message = `${next.metadata.name}, which replaces ${podOf(move)}, did not wait for its place: plan again`;
      return this.end(rebalance, 'Stopped', message);
    }
    if (pod || !next) return this.patient(rebalance, move, next);
    const obstacle = this.obstacles.of(other, second);
    if (obstacle) return this.end(rebalance, 'Stopped', obstacle);
    const moveStartedAt = timestamp(this.context.clock.now());
    const owner = controllerOf(second!)!.uid;
    return { status: { ...status, exchanging: true, owner, moveStartedAt } };
  }

  /** The second one moves, and once it has gone the first one's replacement comes to its place. */
  private async exchange(
    rebalance: Rebalance,
    move: RebalanceMove,
    other: RebalanceMove,
  ): Promise<Progress> {
    const progress = await this.carry(rebalance, other);
    const isOver = progress?.status.phase === 'Stopped';
    const first = this.pods.list(move.namespace).find((pod) => replacedBy(pod) === move.uid);
    const hasWay = !this.current(other) && first && waitsForExchange(first);
    if (hasWay && !isOver) await this.release(first);
    return progress ?? this.arrival(rebalance, move) ?? moved(rebalance, 2);
  }

  private async release(pod: Pod): Promise<void> {
    await this.mutatePod(pod, (current) => {
      if (!waitsForExchange(current)) return undefined;
      const schedulingGates = current.spec.schedulingGates!.filter((g) => g.name !== exchangeGate);
      return { ...current, spec: { ...current.spec, schedulingGates } };
    });
  }

  /** False when the pod is no longer there. */
  private async mutatePod(
    { metadata }: Pod,
    change: (pod: Pod) => Pod | undefined,
  ): Promise<boolean> {
    const { namespace, name, uid } = metadata;
    let isThere = true;
    try {
      await this.context.resources.mutate(PodKind, namespace, name!, (pod) => {
        isThere = pod.metadata.uid === uid;
        return isThere ? change(pod) : undefined;
      });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      isThere = false;
    }
    return isThere;
  }

  /** Writes the intention down; the eviction follows when it is seen, so that it is never forgotten. */
  private begin(rebalance: Rebalance, move: RebalanceMove, other?: RebalanceMove): Progress {
    const pod = this.current(move);
    const obstacle =
      this.obstacles.of(move, pod, other?.uid) ??
      (other && this.obstacles.of(other, this.current(other), move.uid));
    if (obstacle) return this.end(rebalance, 'Stopped', obstacle);
    const { spec, status = {} } = rebalance;
    const number = (status.moved ?? 0) + 1;
    const what = `moves ${podOf(move)} from ${move.from} to ${move.to}`;
    const exchange = other ? `, in exchange for ${podOf(other)}` : '';
    const message = `${what}${exchange} (${number} of ${spec.moves.length})`;
    const moveStartedAt = timestamp(this.context.clock.now());
    const owner = controllerOf(pod!)!.uid;
    const next = { moved: number - 1, evicting: true, owner, moveStartedAt };
    return { status: { phase: 'Running', message, ...next } };
  }

  private current({ namespace, pod, uid }: RebalanceMove): Pod | undefined {
    const found = this.pods.get(namespace, pod);
    return found?.metadata.uid === uid ? found : undefined;
  }

  /** The old pod goes, and the new one comes; undefined when it has. */
  private async carry(rebalance: Rebalance, move: RebalanceMove): Promise<Progress | undefined> {
    const pod = this.current(move);
    if (pod && !pod.metadata.deletionTimestamp) return this.evict(rebalance, move, pod);
    return this.arrival(rebalance, move);
  }

  private arrival(rebalance: Rebalance, move: RebalanceMove): Progress | undefined {
    const { status = {} } = rebalance;
    const next = this.replacement(move, status);
    // An earlier leader may have evicted the pod, and ended before its controller made another one.
    if (!next && status.owner) this.expect(status.owner, move);
    const at = next?.spec.nodeName;
    if (next && at && at !== move.to) {
      const message = `${next.metadata.name}, which replaces ${podOf(move)}, came to ${at} and not to ${move.to}: plan again`;
      return this.end(rebalance, 'Stopped', message);
    }
    if (!this.current(move) && next && at && isReady(next)) return undefined;
    return this.patient(rebalance, move, next);
  }

  /** Looks again later, though not for ever. */
  private patient(rebalance: Rebalance, move: RebalanceMove, next: Pod | undefined): Progress {
    const { status = {} } = rebalance;
    if (this.elapsedMs(status) <= startPatienceMs) return { status, requeueAfterMs: recheckMs };
    const late = next
      ? `${next.metadata.name}, which replaces ${podOf(move)}, does not become ready`
      : `nothing came in place of ${podOf(move)}: its owner may want fewer pods`;
    return this.end(rebalance, 'Stopped', late);
  }

  /** The pod that was made for this move; else one that its owner has made since. */
  private replacement(
    { namespace, uid }: RebalanceMove,
    { owner, moveStartedAt = '' }: RebalanceStatus,
  ): Pod | undefined {
    const pods = this.pods.list(namespace);
    const marked = pods.find((pod) => replacedBy(pod) === uid);
    return (
      marked ??
      pods.find(
        (pod) =>
          controllerOf(pod)?.uid === owner &&
          replacedBy(pod) === undefined &&
          (pod.metadata.creationTimestamp ?? '') > moveStartedAt,
      )
    );
  }

  private expect(owner: string, { uid, from, to }: RebalanceMove, other?: RebalanceMove): void {
    const exchange = other && { with: other.uid, from };
    this.relocations.expect(owner, { pod: uid, to, ...(exchange ? { exchange } : {}) });
  }

  private elapsedMs({ moveStartedAt }: RebalanceStatus): number {
    return this.context.clock.now() - Date.parse(moveStartedAt ?? '');
  }

  private async evict(
    rebalance: Rebalance,
    move: RebalanceMove,
    pod: Pod,
    other?: RebalanceMove,
  ): Promise<Progress> {
    const { status = {}, metadata } = rebalance;
    const owner = controllerOf(pod)!.uid;
    this.expect(owner, move, other);
    try {
      await this.context.resources.evict(move.namespace, move.pod, {
        preconditions: { uid: move.uid },
      });
    } catch (error) {
      this.relocations.end(owner);
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return { status };
      if (!isReason(error, 'TooManyRequests')) throw error;
      const cause = (error as { details?: { causes?: readonly { message: string }[] } }).details
        ?.causes?.[0]?.message;
      return this.heldUp(rebalance, move, cause ?? describeError(error));
    }
    const message = `Evicted from ${move.from} by rebalance ${metadata.name}, to run on ${move.to}: ${rebalance.spec.gain ?? 'a better place'}`;
    this.events.record(PodKind, pod, { type: 'Normal', reason: 'Rebalanced', message });
    return { status, requeueAfterMs: recheckMs };
  }

  private heldUp(rebalance: Rebalance, move: RebalanceMove, why: string): Progress {
    const { status = {} } = rebalance;
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

/** Uid of the pod in whose place this one was made. */
function replacedBy({ metadata }: Pod): string | undefined {
  return metadata.annotations?.[replacesAnnotation];
}

function moved({ status = {} }: Rebalance, count: number): Progress {
  const { message = '', moved: before = 0 } = status;
  return { status: { phase: 'Running', message, moved: before + count } };
}
