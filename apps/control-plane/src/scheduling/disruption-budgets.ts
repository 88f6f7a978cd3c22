import type { PodDisruptionBudget } from '@gantry/api';
import type { DisruptionBudget } from '@gantry/scheduler';

/** Budgets as preemption weighs them. */
export function disruptionBudgets(budgets: readonly PodDisruptionBudget[]): DisruptionBudget[] {
  return budgets.map(({ metadata, spec: { selector }, status }) => ({
    namespace: metadata.namespace ?? '',
    selector,
    allowed: status?.disruptionsAllowed ?? 0,
  }));
}
