import {
  isReady,
  type Pod,
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
} from '@gantry/api';
import { withCondition } from '../conditions.js';

/** An eviction that was granted and after this time is not seen as a deletion did not come about. */
export const grantedMs = 120_000;

/** What a budget's status is made from. */
export interface BudgetFacts {
  /** Pods that it selects and that have not ended. */
  readonly pods: readonly Pod[];
  /** How many pods their controllers want together. */
  readonly wanted: number;
  readonly nowMs: number;
}

export interface BudgetVerdict {
  readonly status: PodDisruptionBudgetStatus;
  /** When a granted eviction lapses that nobody carried out. */
  readonly nextMs: number | undefined;
}

function share(value: number | string, total: number): number {
  return typeof value === 'number' ? value : Math.ceil((parseInt(value, 10) * total) / 100);
}

function bounds({ spec }: PodDisruptionBudget, { pods, wanted }: BudgetFacts) {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable !== undefined) {
    return { expected: wanted, desired: Math.max(0, wanted - share(maxUnavailable, wanted)) };
  }
  if (minAvailable === undefined) return { expected: 0, desired: 0 };
  if (typeof minAvailable === 'number') return { expected: pods.length, desired: minAvailable };
  return { expected: wanted, desired: share(minAvailable, wanted) };
}

/** Evictions that were granted and whose pods are still there as if nothing had happened. */
function underWay({ status }: PodDisruptionBudget, { pods, nowMs }: BudgetFacts) {
  const staying = new Set(
    pods.flatMap(({ metadata }) => (metadata.deletionTimestamp ? [] : metadata.name!)),
  );
  return Object.entries(status?.disruptedPods ?? {}).filter(
    ([name, time]) => staying.has(name) && Date.parse(time) + grantedMs > nowMs,
  );
}

/** The status of a budget, by the rules of Kubernetes' disruption controller. */
export function budgetStatus(budget: PodDisruptionBudget, facts: BudgetFacts): BudgetVerdict {
  const { expected, desired } = bounds(budget, facts);
  const granted = underWay(budget, facts);
  const leaving = new Set(granted.map(([name]) => name));
  const healthy = facts.pods.filter(
    (pod) => !pod.metadata.deletionTimestamp && isReady(pod) && !leaving.has(pod.metadata.name!),
  );
  const allowed = expected > 0 ? Math.max(0, healthy.length - desired) : 0;
  const condition = {
    type: 'DisruptionAllowed',
    status: allowed > 0 ? ('True' as const) : ('False' as const),
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: budget.metadata.generation ?? 0,
  };
  const times = granted.map(([, time]) => Date.parse(time) + grantedMs);
  return {
    status: {
      observedGeneration: budget.metadata.generation ?? 0,
      ...(granted.length > 0 ? { disruptedPods: Object.fromEntries(granted) } : {}),
      disruptionsAllowed: allowed,
      currentHealthy: healthy.length,
      desiredHealthy: desired,
      expectedPods: expected,
      conditions: withCondition(budget.status?.conditions, condition, facts.nowMs),
    },
    nextMs: times.length > 0 ? Math.min(...times) : undefined,
  };
}
