import { type Pod, PodKind } from '@gantry/api';
import { conflict, timestamp } from '@gantry/base';
import { detailsOf } from './details.js';

function refusal(pod: Pod, uid: string | undefined): string | undefined {
  const { name } = pod.metadata;
  if (uid && uid !== pod.metadata.uid) return `the pod's uid is ${pod.metadata.uid}, not ${uid}`;
  if (pod.metadata.deletionTimestamp) {
    return `pod ${name} is being deleted, cannot be assigned to a host`;
  }
  if (!pod.spec.nodeName) return undefined;
  return `pod ${name} is already assigned to node "${pod.spec.nodeName}"`;
}

/** A change that puts a pod on a node, with the condition that says so; Conflict if it may not. */
export function boundTo(nodeName: string, uid: string | undefined, nowMs: number) {
  return (pod: Pod): Pod => {
    const why = refusal(pod, uid);
    if (why) throw conflict(detailsOf(PodKind, pod.metadata.name), why);
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    const scheduled = {
      type: 'PodScheduled',
      status: 'True' as const,
      lastTransitionTime: timestamp(nowMs),
    };
    // The node that was cleared for it has done its part, whether it is this one or not.
    const { nominatedNodeName: _, ...status } = pod.status ?? {};
    return {
      ...pod,
      spec: { ...pod.spec, nodeName },
      status: { ...status, conditions: [...others, scheduled] },
    };
  };
}
