import type { LabelSelectorInput } from '../input.js';
import { compileLabelSelector, type LabelTest } from '../label-selector.js';
import type { LabelSet } from '../pod-class.js';

/** How many pods of one sort may be taken away on purpose now. */
export interface DisruptionBudget {
  readonly namespace: string;
  readonly selector: LabelSelectorInput | undefined;
  /** status.disruptionsAllowed. */
  readonly allowed: number;
}

/** Budgets, asked which of them count a pod; the answer for equal labels is remembered. */
export class DisruptionBudgets {
  private readonly tests: readonly { namespace: string; test: LabelTest }[];
  private readonly byLabels = new Map<LabelSet, readonly number[]>();

  constructor(private readonly budgets: readonly DisruptionBudget[]) {
    this.tests = budgets.map(({ namespace, selector }) => ({
      namespace,
      test: compileLabelSelector(selector),
    }));
  }

  /** Numbers of the budgets that count pods with these labels. */
  of(labelSet: LabelSet): readonly number[] {
    const known = this.byLabels.get(labelSet);
    if (known) return known;
    const { namespace, labels } = labelSet;
    const found = this.tests.flatMap((budget, i) =>
      budget.namespace === namespace && budget.test(labels) ? [i] : [],
    );
    this.byLabels.set(labelSet, found);
    return found;
  }

  allowed(budget: number): number {
    return Math.max(0, this.budgets[budget]!.allowed);
  }
}
