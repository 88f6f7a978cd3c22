import { PodKind, type Pod } from '@gantry/api';
import { describeError, isReason, type Clock } from '@gantry/base';
import type { ObjectOperation, ObjectStore } from '@gantry/controller';
import { devicesAnnotation, type DeviceHoldings } from '@gantry/scheduler';
import { boundTo } from '../api/resources/binding.js';

/** A decision on its way into the store. */
export interface Binding {
  readonly pod: Pod;
  readonly node: string;
  /** The node's shared devices that the pod was given. */
  readonly devices?: DeviceHoldings;
}

/** `unknown`: the store gave no answer, so the pod may or may not be bound. */
export type BindingOutcome =
  | { readonly type: 'bound' }
  | { readonly type: 'refused' | 'unknown'; readonly why: string };

/** Bindings in one transaction; etcd takes 128 operations, one of which guards the leadership. */
export const maxBindingsPerTransaction = 100;

/**
 * Writes bindings, many in one transaction, each guarded by the version of the pod that was decided on. When
 * one pod changed meanwhile nothing of its batch is written; each is then written by itself.
 */
export class Binder {
  constructor(
    private readonly objects: ObjectStore,
    private readonly clock: Clock,
  ) {}

  /** Outcomes in the order of the bindings; never throws. */
  async bind(bindings: readonly Binding[]): Promise<BindingOutcome[]> {
    const together = await this.commit(bindings);
    if (together.type !== 'refused' || bindings.length === 1) return bindings.map(() => together);
    const outcomes: BindingOutcome[] = [];
    for (const binding of bindings) outcomes.push(await this.commit([binding]));
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

  private operation({ pod, node, devices }: Binding): ObjectOperation {
    const bound = withDevices(boundTo(node, pod.metadata.uid, this.clock.now())(pod), devices);
    return { type: 'update', kind: PodKind, object: bound } as unknown as ObjectOperation;
  }
}

/** The devices are written down with the binding: for the agent, and for a scheduler that starts anew. */
function withDevices(pod: Pod, devices: DeviceHoldings | undefined): Pod {
  if (!devices) return pod;
  const annotations = {
    ...pod.metadata.annotations,
    [devicesAnnotation]: JSON.stringify(devices),
  };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}
