import { PodKind, type Pod } from '@gantry/api';
import { isReason, timestamp, type Clock } from '@gantry/base';
import type { Resources } from './resources.js';

/** A pod with the condition that says that it goes on purpose, and why. */
export function disrupted(pod: Pod, reason: string, message: string, nowMs: number): Pod {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
  const condition = {
    type: 'DisruptionTarget',
    status: 'True' as const,
    reason,
    message,
    lastTransitionTime: timestamp(nowMs),
  };
  return { ...pod, status: { ...pod.status, conditions: [...others, condition] } };
}

export interface Disruption {
  /** One word in CamelCase, and a sentence: for the pod's condition. */
  readonly reason: string;
  readonly message: string;
}

/**
 * Marks this very pod as going on purpose and deletes it gracefully. False when it was gone already, or another
 * of its name is there; Conflict when others write it so often that it may be tried again.
 */
export async function takeAway(
  resources: Resources,
  { metadata: { namespace, name, uid } }: Pod,
  { reason, message }: Disruption,
  clock: Clock,
): Promise<boolean> {
  try {
    await resources.mutateStatus(PodKind, namespace, name!, (current) =>
      current.metadata.uid === uid ? disrupted(current, reason, message, clock.now()) : undefined,
    );
    await resources.delete(PodKind, namespace, name!, { preconditions: { uid: uid! } });
    return true;
  } catch (error) {
    if (isReason(error, 'NotFound')) return false;
    if (!isReason(error, 'Conflict')) throw error;
    const now = await resources.find(PodKind, namespace, name!);
    if (now?.metadata.uid === uid) throw error;
    return false;
  }
}
