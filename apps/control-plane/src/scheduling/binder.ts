import { PodKind, type Pod } from '@gantry/api';
import { delay, describeError, isReason, type Clock } from '@gantry/base';
import type { ObjectOperation, ObjectStore } from '@gantry/controller';
import { devicesAnnotation, type DeviceHoldings } from '@gantry/scheduler';
import type { VolumeBindings } from './volume-book.js';
import { boundTo } from '../api/resources/binding.js';
import { readTurns, takingTurn, type Turns } from '../api/resources/binding-turns.js';

/** A decision on its way into the store. */
export interface Binding {
  readonly pod: Pod;
  readonly node: string;
  /** The node's shared devices that the pod was given. */
  readonly devices?: DeviceHoldings;
  /** The volumes that its claims get with it. */
  readonly volumes?: VolumeBindings;
}

/** `unknown`: the store gave no answer, so the pod may or may not be bound. */
export type BindingOutcome =
  | { readonly type: 'bound' }
  | { readonly type: 'refused' | 'unknown'; readonly why: string };

/** How often it is looked whether the snapshot has caught up, in milliseconds. */
const lagCheckMs = 5;

/** Writes in one transaction; etcd takes 128 operations, of which one guards the leadership and one the turn. */
export const maxWritesPerTransaction = 100;

/** What became of a transaction; `too large` ones may be tried in halves. */
type Committed = BindingOutcome | { readonly type: 'too large'; readonly why: string };

/** Without an answer from the store nobody knows what happened; all else was refused, by it or before it. */
const unanswered = ['ServiceUnavailable', 'Timeout'] as const;

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

  /** What decisions that are made now are based on. */
  get known(): Turns {
    return this.turns;
  }

  /**
   * Outcomes in the order of the groups and their bindings; never throws. `turns` is what was known before the
   * first of them was decided, whatever has been learned since.
   */
  async bind(
    groups: readonly (readonly Binding[])[],
    turns: Turns = this.turns,
  ): Promise<BindingOutcome[][]> {
    const term = { turns, written: new Set<ObjectOperation>() };
    const outcomes: BindingOutcome[][] = [];
    for (const batch of batchesOf(groups)) {
      const [only] = batch;
      const together = batch.length > 1 ? await this.commit(batch.flat(), term) : undefined;
      if (together && isFinal(together)) {
        outcomes.push(...batch.map((group) => group.map(() => together)));
      } else if (!together) outcomes.push(await this.bindGroup(only!, term));
      else for (const group of batch) outcomes.push(await this.bindGroup(group, term));
    }
    return outcomes;
  }

  /** A group beyond one transaction is stopped at the first part that is refused. */
  private async bindGroup(group: readonly Binding[], term: Term): Promise<BindingOutcome[]> {
    const outcomes: BindingOutcome[] = [];
    let refused: BindingOutcome | undefined;
    const parts = partsOf(group);
    for (let part = parts.shift(); part; part = parts.shift()) {
      const { length } = part;
      const committed: Committed = refused ?? (await this.commit(part, term));
      if (committed.type === 'too large' && length > 1) {
        parts.unshift(part.slice(0, length >> 1), part.slice(length >> 1));
        continue;
      }
      const outcome = asOutcome(committed);
      if (outcome.type === 'refused') refused = outcome;
      outcomes.push(...part.map(() => outcome));
    }
    return outcomes;
  }

  private async commit(bindings: readonly Binding[], term: Term): Promise<Committed> {
    // Pods that share a claim bring the same writes for it, of which one is made.
    const volumes = bindings.flatMap((binding) => binding.volumes?.operations ?? []);
    const shared = [...new Set(volumes)].filter((operation) => !term.written.has(operation));
    try {
      const operations = [...shared, ...bindings.map((binding) => this.operation(binding))];
      await this.objects.transact(operations, takingTurn('loop', term.turns, ['api']));
      for (const operation of shared) term.written.add(operation);
      return { type: 'bound' };
    } catch (error) {
      const why = describeError(error);
      if (isReason(error, 'RequestEntityTooLarge')) return { type: 'too large', why };
      const isUnknown = unanswered.some((reason) => isReason(error, reason));
      return { type: isUnknown ? 'unknown' : 'refused', why };
    }
  }

  private operation({ pod, node, devices }: Binding): ObjectOperation {
    const bound = withDevices(boundTo(node, pod.metadata.uid, this.clock.now())(pod), devices);
    return { type: 'update', kind: PodKind, object: bound } as unknown as ObjectOperation;
  }
}

/** What one call of `bind` works with. */
interface Term {
  readonly turns: Turns;
  /** Writes beside the pods that are made already. */
  readonly written: Set<ObjectOperation>;
}

function isFinal(committed: Committed): committed is BindingOutcome {
  return committed.type === 'bound' || committed.type === 'unknown';
}

function asOutcome(committed: Committed): BindingOutcome {
  return committed.type === 'too large' ? { type: 'refused', why: committed.why } : committed;
}

/** With its volumes a pod is more than one write. */
function writesOf(bindings: readonly Binding[]): number {
  return bindings.reduce((sum, { volumes }) => sum + 1 + (volumes?.operations.length ?? 0), 0);
}

/** Runs of items of which each fits into one transaction, or is a single item. */
function runsOf<T>(items: readonly T[], writes: (item: T) => number): T[][] {
  const runs: T[][] = [];
  let left = 0;
  for (const item of items) {
    left -= writes(item);
    if (left >= 0) runs.at(-1)!.push(item);
    else {
      runs.push([item]);
      left = maxWritesPerTransaction - writes(item);
    }
  }
  return runs;
}

const batchesOf = (groups: readonly (readonly Binding[])[]) => runsOf(groups, writesOf);
const partsOf = (group: readonly Binding[]) => runsOf(group, (binding) => writesOf([binding]));

/** The devices are written down with the binding: for the agent, and for a scheduler that starts anew. */
function withDevices(pod: Pod, devices: DeviceHoldings | undefined): Pod {
  if (!devices) return pod;
  const annotations = {
    ...pod.metadata.annotations,
    [devicesAnnotation]: JSON.stringify(devices),
  };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}
