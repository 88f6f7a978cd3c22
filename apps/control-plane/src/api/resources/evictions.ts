import {
  PodDisruptionBudgetKind,
  PodKind,
  isReady,
  matches,
  type Pod,
  type PodDisruptionBudget,
} from '@gantry/api';
import { GantryError, isReason, notFound, timestamp, type Clock } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';
import type { Deleter } from './deleter.js';
import { checkPreconditions } from './deletion.js';
import { detailsOf } from './details.js';
import { disrupted } from './disruptions.js';
import type { DeleteOptions } from './options.js';

/** Evictions whose pods are not seen to go; a budget with more waits for its controller. */
const maxDisrupted = 2_000;
/** When a client shall ask again while the budget's controller has not looked at a change yet. */
const retryAfterSeconds = 10;

function tooMany(message: string, cause?: string, retry = 0): GantryError {
  const causes = cause ? [{ reason: 'DisruptionBudget', message: cause }] : [];
  return new GantryError('TooManyRequests', message, { causes, retryAfterSeconds: retry });
}

/** Pods that no budget counts: nothing is lost by their going. */
function isBeyondBudgets({ metadata, status }: Pod): boolean {
  const uncounted = ['Pending', 'Succeeded', 'Failed'].includes(status?.phase ?? 'Pending');
  return metadata.deletionTimestamp !== undefined || uncounted;
}

/** Whether a running pod that is not ready may go without being counted. */
function letsUnhealthyGo({ spec, status }: PodDisruptionBudget): boolean {
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/** The budget with one disruption taken for the pod; TooManyRequests when it has none to give. */
function withDisruption(budget: PodDisruptionBudget, pod: string, nowMs: number) {
  const { metadata, status } = budget;
  const { currentHealthy = 0, desiredHealthy = 0, disruptionsAllowed = 0 } = status ?? {};
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    throw tooMany(
      "Cannot evict pod as it would violate the pod's disruption budget.",
      `The disruption budget ${metadata.name} is still being processed by the server.`,
      retryAfterSeconds,
    );
  }
  const disruptedPods = { ...status?.disruptedPods };
  if (disruptionsAllowed <= 0 || Object.keys(disruptedPods).length >= maxDisrupted) {
    throw tooMany(
      "Cannot evict pod as it would violate the pod's disruption budget.",
      `The disruption budget ${metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
  disruptedPods[pod] = timestamp(nowMs);
  const left = { disruptionsAllowed: disruptionsAllowed - 1, disruptedPods };
  return { ...budget, status: { ...status!, ...left } };
}

/** Deletes pods within their disruption budgets, as the eviction subresource of policy/v1 does. */
export class Evictions {
  constructor(
    private readonly objects: ObjectStore,
    private readonly deleter: Deleter,
    private readonly clock: Clock,
  ) {}

  /**
   * NotFound; Conflict when a precondition does not hold; TooManyRequests (429) when a budget
   * forbids it now; InternalError under two budgets.
   */
  async evict(namespace: string, name: string, options: DeleteOptions): Promise<void> {
    const pod = await this.objects.get(PodKind, namespace, name);
    if (!pod) throw notFound(detailsOf(PodKind, name));
    checkPreconditions(PodKind, pod, options.preconditions);
    const { uid } = pod.metadata;
    let preconditions = { ...options.preconditions, uid: uid! };
    if (!isBeyondBudgets(pod)) {
      await this.account(pod, options);
      const marked = options.dryRun ? pod : await this.mark(pod, options);
      // Marked, the pod has another version than the one that was asked for.
      if (preconditions.resourceVersion !== undefined) {
        preconditions = { ...preconditions, resourceVersion: marked.metadata.resourceVersion! };
      }
    }
    await this.deleter.delete(PodKind, namespace, name, { ...options, preconditions });
  }

  private async account(pod: Pod, { dryRun }: DeleteOptions): Promise<void> {
    const { namespace, name, labels } = pod.metadata;
    const { items } = await this.objects.list(PodDisruptionBudgetKind, { namespace: namespace! });
    const budgets = items.filter((b) => b.spec.selector && matches(b.spec.selector, labels));
    const [budget] = budgets;
    if (!budget) return;
    if (budgets.length > 1) {
      const message =
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
      throw new GantryError('InternalError', message, detailsOf(PodKind, name));
    }
    if (!isReady(pod) && letsUnhealthyGo(budget)) return;
    const nowMs = this.clock.now();
    if (dryRun) return void withDisruption(budget, name!, nowMs);
    await this.objects.mutate(PodDisruptionBudgetKind, namespace, budget.metadata.name!, (now) =>
      withDisruption(now, name!, nowMs),
    );
  }

  private async mark(pod: Pod, { preconditions }: DeleteOptions): Promise<Pod> {
    const { namespace, name, uid } = pod.metadata;
    const change = (current: Pod) => {
      if (current.metadata.uid !== uid) return undefined;
      checkPreconditions(PodKind, current, preconditions);
      const nowMs = this.clock.now();
      return disrupted(current, 'EvictionByEvictionAPI', 'Eviction API: evicting', nowMs);
    };
    try {
      return await this.objects.mutate(PodKind, namespace, name!, change);
    } catch (error) {
      const isFirm = preconditions?.resourceVersion !== undefined;
      // Whoever else writes it this often will not keep it from going.
      if (isFirm || (!isReason(error, 'Conflict') && !isReason(error, 'NotFound'))) throw error;
      return pod;
    }
  }
}
