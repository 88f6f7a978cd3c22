import type { Deployment, ReplicaSet } from '@gantry/api';
import { type RolloutBounds } from './bounds.js';

/** Counts the templates that a Deployment has had; kubectl reads it for rollout history and undo. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
/** What the set was scaled for, so that a later change of the wished number is noticed. */
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

const ownAnnotations = new Set([
  revisionAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  lastAppliedAnnotation,
]);

export function revisionOf(object: Deployment | ReplicaSet): number {
  return Number(object.metadata.annotations?.[revisionAnnotation] ?? 0) || 0;
}

/** Annotations that a set carries for its Deployment, with the Deployment's own for `rollout history`. */
export function setAnnotations(
  deployment: Deployment,
  revision: number,
  bounds: RolloutBounds,
): Record<string, string> {
  const inherited = Object.entries(deployment.metadata.annotations ?? {}).filter(
    ([key]) => !ownAnnotations.has(key),
  );
  return {
    ...Object.fromEntries(inherited),
    [revisionAnnotation]: String(revision),
    ...scaleAnnotations(bounds),
  };
}

export function scaleAnnotations(bounds: RolloutBounds): Record<string, string> {
  return {
    [desiredReplicasAnnotation]: String(bounds.desired),
    [maxReplicasAnnotation]: String(bounds.desired + bounds.maxSurge),
  };
}

/** Whether the wished number changed since this set was last scaled. */
export function isScaledForOther(set: ReplicaSet, desired: number): boolean {
  const annotated = set.metadata.annotations?.[desiredReplicasAnnotation];
  return (set.spec.replicas ?? 1) > 0 && annotated !== undefined && annotated !== String(desired);
}

/** Old sets that may go: fully scaled down, beyond the limit, oldest revision first. */
export function expiredSets(old: readonly ReplicaSet[], limit: number): ReplicaSet[] {
  const idle = old.filter(
    ({ spec, status, metadata }) =>
      spec.replicas === 0 &&
      (status?.replicas ?? 0) === 0 &&
      (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
      !metadata.deletionTimestamp,
  );
  const surplus = old.length - limit;
  if (surplus <= 0) return [];
  return [...idle].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus);
}
