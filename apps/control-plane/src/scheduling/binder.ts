import { PodKind, type Pod } from '@gantry/api';
import { delay, describeError, isReason, type Clock } from '@gantry/base';
import type { ObjectOperation, ObjectStore } from '@gantry/controller';
import { boundTo } from '../api/resources/binding.js';
import { readTurns, takingTurn, type Turns } from '../api/resources/binding-turns.js';

/** A decision on its way into the store. */
export interface Binding {
  readonly pod: Pod;
  readonly node: string;
}

/** `unknown`: the store gave no answer, so the pod may or may not be bound. */
export type BindingOutcome =
  | { readonly type: 'bound' }
  | { readonly type: 'refused' | 'unknown'; readonly why: string };

/** How often it is looked whether the snapshot has caught up, in milliseconds. */
const lagCheckMs = 5;

/** Bindings in one transaction; etcd takes 128 operations, of which one guards the leadership and one the turn. */
export const maxBindingsPerTransaction = 100;

/**
 * Writes bindings, many in one transaction, each guarded by the version of the pod that was decided on. When
 * one pod changed meanwhile nothing of its batch is written; each group is then written by itself, all of it or
 * nothing as far as it fits into one transaction.
 */
export class Binder {
  /** The bindings of others up to which the snapshot is known to show them. */
  private turns: Turns = { loop: 0n, api: 0n };

  /** `seen` is the revision up to which the loop's snapshot shows all pods. */
  constructor(
    private readonly objects: ObjectStore,
    private readonly clock: Clock,
    private readonly seen: () => bigint,
  ) {}

  /** Takes notice of what others have bound, and waits until the snapshot shows it. */
  async catchUp(signal: AbortSignal): Promise<void> {
    const turns = await readTurns(this.objects.store);
    while (this.seen() < turns.api && !signal.aborted) {
      await delay(this.clock, lagCheckMs, signal).catch(() => {});
    }
    this.turns = turns;
  }

  /** Outcomes in the order of the groups and their bindings; never throws. */
  async bind(groups: readonly (readonly Binding[])[]): Promise<BindingOutcome[][]> {
    // Decided on what was known at this moment, whatever is learned while it is written.
    const { turns } = this;
    const all = groups.flat();
    if (all.length <= maxBindingsPerTransaction) {
      const together = await this.commit(all, turns);
      if (together.type !== 'refused' || groups.length === 1) {
        return groups.map((group) => group.map(() => together));
      }
    }
    const outcomes: BindingOutcome[][] = [];
    for (const group of groups) outcomes.push(await this.bindGroup(group, turns));
    return outcomes;
  }

  /** A group beyond one transaction is stopped at the first part that is refused. */
  private async bindGroup(group: readonly Binding[], turns: Turns): Promise<BindingOutcome[]> {
    const outcomes: BindingOutcome[] = [];
    let refused: BindingOutcome | undefined;
    for (let from = 0; from < group.length; from += maxBindingsPerTransaction) {
      const part = group.slice(from, from + maxBindingsPerTransaction);
      const outcome: BindingOutcome = refused ?? (await this.commit(part, turns));
      if (outcome.type === 'refused') refused = outcome;
      outcomes.push(...part.map(() => outcome));
    }
    return outcomes;
  }

  private async commit(bindings: readonly Binding[], turns: Turns): Promise<BindingOutcome> {
    try {
      const operations = bindings.map((binding) => this.operation(binding));
      await this.objects.transact(operations, takingTurn('loop', turns, ['api']));
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
