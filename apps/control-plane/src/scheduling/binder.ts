import { PodKind, type Pod } from '@gantry/api';
import { describeError, isReason, type Clock } from '@gantry/base';
import type { ObjectOperation, ObjectStore } from '@gantry/controller';
import { boundTo } from '../api/resources/binding.js';

/** A decision on its way into the store. */
export interface Binding {
  readonly pod: Pod;
  readonly node: string;
}

/** `unknown`: the store gave no answer, so the pod may or may not be bound. */
export type BindingOutcome =
  | { readonly type: 'bound' }
  | { readonly type: 'refused' | 'unknown'; readonly why: string };

/** Bindings in one transaction; etcd takes 128 operations, one of which guards the leadership. */
export const maxBindingsPerTransaction = 100;

/**
 * Writes bindings, many in one transaction, each guarded by the version of the pod that was decided on. When
 * one pod changed meanwhile nothing of its batch is written; each group is then written by itself, all of it or
 * nothing as far as it fits into one transaction.
 */
export class Binder {
  constructor(
    private readonly objects: ObjectStore,
    private readonly clock: Clock,
  ) {}

  /** Outcomes in the order of the groups and their bindings; never throws. */
  async bind(groups: readonly (readonly Binding[])[]): Promise<BindingOutcome[][]> {
    const all = groups.flat();
    if (all.length <= maxBindingsPerTransaction) {
      const together = await this.commit(all);
      if (together.type !== 'refused' || groups.length === 1) {
        return groups.map((group) => group.map(() => together));
      }
    }
    const outcomes: BindingOutcome[][] = [];
    for (const group of groups) outcomes.push(await this.bindGroup(group));
    return outcomes;
  }

  /** A group beyond one transaction is stopped at the first part that is refused. */
  private async bindGroup(group: readonly Binding[]): Promise<BindingOutcome[]> {
    const outcomes: BindingOutcome[] = [];
    let refused: BindingOutcome | undefined;
    for (let from = 0; from < group.length; from += maxBindingsPerTransaction) {
      const part = group.slice(from, from + maxBindingsPerTransaction);
      const outcome: BindingOutcome = refused ?? (await this.commit(part));
      if (outcome.type === 'refused') refused = outcome;
      outcomes.push(...part.map(() => outcome));
    }
    return outcomes;
  }

  private async commit(bindings: readonly Binding[]): Promise<BindingOutcome> {
    try {
      await this.objects.transact(bindings.map((binding) => this.operation(binding)));
      return { type: 'bound' };
    } catch (error) {
      const lost = ['Conflict', 'NotFound', 'AlreadyExists'] as const;
      const isRefused = lost.some((reason) => isReason(error, reason));
      return { type: isRefused ? 'refused' : 'unknown', why: describeError(error) };
    }
  }

  private operation({ pod, node }: Binding): ObjectOperation {
    const bound = boundTo(node, pod.metadata.uid, this.clock.now())(pod);
    return { type: 'update', kind: PodKind, object: bound } as unknown as ObjectOperation;
  }
}
