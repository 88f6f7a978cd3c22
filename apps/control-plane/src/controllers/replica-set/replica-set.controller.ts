import {
  hasEnded,
  PodKind,
  ReplicaSetKind,
  type Pod,
  type ReplicaSet,
  type ReplicaSetStatus,
} from '@gantry/api';
import { describeError, isReason } from '@gantry/base';
import { Controller, objectKey, source, type Informer } from '@gantry/controller';
import { withCondition, withoutCondition } from '../conditions.js';
import type { ControllerContext } from '../context.js';
import type { EventDraft, EventSink } from '../../events/index.js';
import { Expectations, patienceMs } from '../expectations.js';
import {
  claim,
  controllerOf,
  controllerReference,
  withController,
  withoutOwner,
} from '../ownership.js';
import { candidatesFor, podInformer } from '../pod-index.js';
import { isOnlyBinding } from '../pod-changes.js';
import { canonicalJson } from '../deployment/template-hash.js';
import { availableFromMs, deletionOrder, isActive } from './pod-order.js';
import { podFromTemplate } from './pod-template.js';
import { slowStart } from './slow-start.js';

/** Pods created, and deleted, in one pass; the rest follows in the next. */
const maxCreationsPerPass = 2_000;
const maxDeletionsPerPass = 500;
/** Pods written in one transaction, fewer when they are large. */
const maxPodsPerWrite = 100;
const maxBytesPerWrite = 512 * 1024;

/** Keeps as many pods as each ReplicaSet asks for. */
export function replicaSetController(context: ControllerContext): Controller {
  const reconciler = new ReplicaSetReconciler(context);
  const sets = context.informers.for(ReplicaSetKind);
  return new Controller({
    name: 'replicaset',
    concurrency: 4,
    sources: [
      source(sets, (set) => [objectKey(set)]),
      source(reconciler.pods, (pod, other) => reconciler.concernedBy(pod, other)),
    ],
    reconcile: (key) => reconciler.reconcile(key),
    logger: context.logger,
    clock: context.clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

class ReplicaSetReconciler {
  readonly pods: Informer<Pod>;
  private readonly sets: Informer<ReplicaSet>;
  private readonly expectations: Expectations;
  private readonly events: EventSink;
  /** The set whose last pass created all that it was to create. */
  private growing: string | undefined;

  constructor(private readonly context: ControllerContext) {
    this.sets = context.informers.for(ReplicaSetKind);
    this.pods = podInformer(context.informers);
    this.expectations = new Expectations(context.clock);
    this.events = context.events.for('replicaset-controller');
  }

  /** The set that manages the pod, once it may count again, or those that might take the pod over. */
  concernedBy(pod: Pod, other?: Pod): string[] {
    this.expectations.observe(pod, this.pods);
    if (other && isOnlyBinding(pod, other)) return [];
    const owner = controllerOf(pod);
    const { namespace } = pod.metadata;
    if (owner) {
      // The last of what it waits for, or the end of its patience, has it look at all of them.
      const waits = owner.kind !== ReplicaSetKind.kind || this.expectations.isWaiting(owner.uid);
      return waits ? [] : [`${namespace}/${owner.name}`];
    }
    return this.sets
      .list(namespace)
      .filter((set) => claim(set, set.spec.selector, [pod]).orphans.length > 0)
      .map(objectKey);
  }

  async reconcile(key: string): Promise<void | { requeueAfterMs: number }> {
    const set = this.sets.getByKey(key);
    if (!set) return;
    const pods = await this.ownPods(set);
    let failure: unknown;
    if (!set.metadata.deletionTimestamp && !this.expectations.isWaiting(set.metadata.uid!)) {
      try {
        await this.scale(set, pods.filter(isActive), pods);
      } catch (error) {
        failure = error;
      }
    }
    const nextMs = await this.report(set, pods, failure);
    if (failure !== undefined) throw failure;
    const isWaiting = this.expectations.isWaiting(set.metadata.uid!);
    const requeueAfterMs = isWaiting ? Math.min(nextMs ?? Infinity, patienceMs) : nextMs;
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  /** Takes over free pods that it selects and lets go those that it no longer does. */
  private async ownPods(set: ReplicaSet): Promise<Pod[]> {
    const { owned, orphans, strays } = claim(set, set.spec.selector, candidatesFor(this.pods, set));
    for (const pod of strays) await this.release(set, pod);
    for (const pod of orphans) if (isActive(pod)) owned.push(...(await this.adopt(set, pod)));
    return owned;
  }

  private async adopt(set: ReplicaSet, pod: Pod): Promise<Pod[]> {
    // The cache may show a set that was just deleted with its pods left behind on purpose.
    const live = await this.context.resources.find(
      ReplicaSetKind,
      set.metadata.namespace,
      set.metadata.name!,
    );
    if (live?.metadata.uid !== set.metadata.uid || live?.metadata.deletionTimestamp) return [];
    const reference = controllerReference(ReplicaSetKind, set);
    const adopted = await this.change(pod, (current) =>
      withController(current.metadata.ownerReferences, reference),
    );
    return adopted && controllerOf(adopted)?.uid === set.metadata.uid ? [adopted] : [];
  }

  private async release(set: ReplicaSet, pod: Pod): Promise<void> {
    await this.change(pod, (current) =>
      withoutOwner(current.metadata.ownerReferences, set.metadata.uid),
    );
  }

  private async change(
    pod: Pod,
    references: (current: Pod) => Pod['metadata']['ownerReferences'],
  ): Promise<Pod | undefined> {
    const { namespace, name, uid } = pod.metadata;
    try {
      return await this.context.resources.mutate(PodKind, namespace, name!, (current) => {
        const ownerReferences = references(current);
        if (current.metadata.uid !== uid || !ownerReferences) return undefined;
        return { ...current, metadata: { ...current.metadata, ownerReferences } };
      });
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  private async scale(set: ReplicaSet, active: Pod[], all: Pod[]): Promise<void> {
    const missing = (set.spec.replicas ?? 1) - active.length;
    if (missing > 0) await this.grow(set, Math.min(missing, maxCreationsPerPass));
    else if (missing < 0) {
      const surplus = deletionOrder(active, all).slice(0, Math.min(-missing, maxDeletionsPerPass));
      await Promise.all(surplus.map((pod) => this.deletePod(set, pod)));
    }
  }

  /** Slowly at first, and again after a failure; a set whose last pass went well goes on as it was. */
  private async grow(set: ReplicaSet, count: number): Promise<void> {
    const { uid } = set.metadata;
    const first = this.growing === uid ? maxPodsPerWrite : 1;
    this.growing = undefined;
    await slowStart(count, (batch) => this.createPods(set, batch), first);
    this.growing = uid;
  }

  /** All of them, or the error of the first that failed; what was created meanwhile stays. */
  private async createPods(set: ReplicaSet, count: number): Promise<void> {
    const reference = controllerReference(ReplicaSetKind, set);
    const draft = () => podFromTemplate(set.spec.template, set, reference);
    const model = draft();
    const relocated = this.context.relocations?.complete(model) ?? model;
    const bytes = JSON.stringify(model).length;
    const most = Math.max(1, Math.min(maxPodsPerWrite, Math.floor(maxBytesPerWrite / bytes)));
    const writes = relocated === model ? [] : [this.createCopies(set, relocated, 1)];
    for (let left = count - writes.length; left > 0; left -= most) {
      writes.push(this.createCopies(set, draft(), Math.min(left, most)));
    }
    const failed = (await Promise.allSettled(writes)).find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  private async createCopies(set: ReplicaSet, model: Pod, count: number): Promise<void> {
    const { namespace, uid: owner } = set.metadata;
    try {
      const { resources } = this.context;
      const made = await resources.createCopies(PodKind, namespace!, model, count);
      for (const { metadata } of made) {
        const name = metadata.name!;
        if (!this.pods.get(namespace, name)) {
          this.expectations.expectCreation(owner!, metadata.uid!);
        }
        this.tell(set, {
          type: 'Normal',
          reason: 'SuccessfulCreate',
          message: `Created pod: ${name}`,
        });
      }
    } catch (error) {
      const message = `Error creating: ${describeError(error)}`;
      this.tell(set, { type: 'Warning', reason: 'FailedCreate', message });
      throw error;
    }
  }

  private tell(set: ReplicaSet, draft: EventDraft): void {
    this.events.record(ReplicaSetKind, set, draft);
  }

  private async deletePod(set: ReplicaSet, pod: Pod): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    this.expectations.expectDeletion(set.metadata.uid!, uid!);
    try {
      await this.context.resources.delete(PodKind, namespace, name!, {
        preconditions: { uid: uid! },
      });
      const message = `Deleted pod: ${name}`;
      this.tell(set, { type: 'Normal', reason: 'SuccessfulDelete', message });
    } catch (error) {
      this.expectations.ending(uid!);
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return;
      throw error;
    }
  }

  /** Writes the status if it changed; returns when a pod will next become available by waiting. */
  private async report(
    set: ReplicaSet,
    pods: Pod[],
    failure: unknown,
  ): Promise<number | undefined> {
    const nowMs = this.context.clock.now();
    const { status, nextMs } = replicaSetStatus(set, pods, nowMs);
    // While the cache lacks writes of ours, the counts are not those of this spec.
    if (this.expectations.isWaiting(set.metadata.uid!)) {
      status.observedGeneration = set.status?.observedGeneration ?? 0;
    }
    status.conditions = failure
      ? withCondition(
          set.status?.conditions,
          {
            type: 'ReplicaFailure',
            status: 'True',
            reason: 'FailedCreate',
            message: describeError(failure),
          },
          nowMs,
        )
      : withoutCondition(set.status?.conditions, 'ReplicaFailure');
    if (status.conditions.length === 0) delete status.conditions;
    if (canonicalJson(status) !== canonicalJson(set.status ?? {})) {
      const { namespace, name, uid } = set.metadata;
      await this.context.resources
        .mutateStatus(ReplicaSetKind, namespace, name!, (current) =>
          current.metadata.uid === uid ? { ...current, status } : undefined,
        )
        .catch((error: unknown) => {
          if (!isReason(error, 'NotFound')) throw error;
        });
    }
    return nextMs === undefined ? undefined : nextMs - nowMs;
  }
}

function replicaSetStatus(
  set: ReplicaSet,
  pods: readonly Pod[],
  nowMs: number,
): { status: ReplicaSetStatus; nextMs: number | undefined } {
  const active = pods.filter(isActive);
  const labels = Object.entries(set.spec.template.metadata?.labels ?? {});
  const availableFrom = active.map((pod) => availableFromMs(pod, set.spec.minReadySeconds));
  const soon = availableFrom.filter((ms): ms is number => ms !== undefined && ms > nowMs);
  const status: ReplicaSetStatus = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter(({ metadata }) =>
      labels.every(([key, value]) => metadata.labels?.[key] === value),
    ).length,
    readyReplicas: availableFrom.filter((ms) => ms !== undefined).length,
    availableReplicas: availableFrom.filter((ms) => ms !== undefined && ms <= nowMs).length,
    terminatingReplicas: pods.filter((p) => p.metadata.deletionTimestamp && !hasEnded(p)).length,
    observedGeneration: set.metadata.generation ?? 0,
  };
  return { status, nextMs: soon.length > 0 ? Math.min(...soon) : undefined };
}
