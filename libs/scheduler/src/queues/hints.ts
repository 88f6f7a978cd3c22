import { evaluate } from '../evaluation.js';
import type { LabelSet, PodHandle } from '../pod-class.js';
import type { Profile } from '../profile.js';
import type { Snapshot } from '../snapshot.js';
import type { TopologyTerms } from '../topology/topology-terms.js';

/** What happened in the cluster, as far as it can make room for a pod that waits. */
export type ClusterEvent =
  | { readonly type: 'node-added' | 'node-changed'; readonly node: string }
  | { readonly type: 'pod-left' | 'pod-placed'; readonly node: string; readonly pod: PodHandle }
  | { readonly type: 'namespace-changed' | 'node-removed' };

/**
 * Whether the event can be why a pod fits now that did not before: it fits the node that the event is about,
 * or could preempt there, or pods are counted otherwise that its terms, or terms against it, are about.
 */
export function couldHelp(
  snapshot: Snapshot,
  profile: Profile,
  pod: PodHandle,
  event: ClusterEvent,
): boolean {
  const { topology } = pod.podClass;
  const isRepelled = pod.labelSet.membership.repelledBy.length > 0;
  switch (event.type) {
    case 'namespace-changed':
    case 'node-removed':
      return topology !== undefined || isRepelled;
    case 'pod-placed':
      return counts(pod, event.pod);
    case 'pod-left':
      if (counts(pod, event.pod) || repels(event.pod, pod.labelSet)) return true;
      break;
    case 'node-added':
    case 'node-changed':
      // Pods that are there already may now be in another domain.
      if (topology !== undefined || isRepelled) return true;
  }
  return fitsNow(snapshot, profile, pod, event.node);
}

/** Whether terms of the waiting pod are about the other one. */
function counts({ podClass: { topology } }: PodHandle, { labelSet }: PodHandle): boolean {
  if (!topology) return false;
  const { countedBy } = labelSet.membership;
  return termsOf(topology).some(({ counted }) => countedBy.includes(counted.counter));
}

function termsOf({ affinity, antiAffinity, spread }: TopologyTerms) {
  return [...affinity, ...antiAffinity, ...spread];
}

/** Whether the pod carried anti-affinity against pods with these labels. */
function repels({ podClass: { topology } }: PodHandle, { namespace, labels }: LabelSet): boolean {
  return (topology?.carried ?? []).some(({ matcher }) => matcher.matches(namespace, labels));
}

/** On this node: as it stands, or once less important pods would give way. */
function fitsNow(snapshot: Snapshot, profile: Profile, pod: PodHandle, node: string): boolean {
  const slot = snapshot.nodes.slot(node);
  if (slot === undefined) return false;
  const mayPreempt = pod.podClass.priority > snapshot.lowestPriority;
  if (!mayPreempt) return evaluate(snapshot, pod, profile).fits(slot);
  const lasting = profile.filters.filter(({ reads }) => reads === 'node');
  return evaluate(snapshot, pod, { ...profile, filters: lasting, scores: [] }).fits(slot);
}
