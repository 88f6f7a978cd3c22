import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '@gantry/api';
import { timestamp } from '@gantry/base';
import { findCondition, withCondition, withoutCondition } from '../conditions.js';
import { rolloutBounds } from './bounds.js';

/** What the sets of a Deployment add up to, and what its conditions follow from. */
export interface RolloutState {
  readonly deployment: Deployment;
  readonly fresh: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  /** Set when the new ReplicaSet was made or found in this pass. */
  readonly found?: 'NewReplicaSetCreated' | 'FoundNewReplicaSet' | undefined;
  /** Why new pods do not come up, for the message of a missed deadline. */
  readonly obstacle?: () => string | undefined;
  readonly collisionCount?: number | undefined;
}

const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number | undefined) =>
  sets.reduce((total, set) => total + (of(set) ?? 0), 0);

const progressDeadlineNever = 2 ** 31 - 1;

function counts({ deployment, fresh, old, collisionCount }: RolloutState): DeploymentStatus {
  const all = fresh ? [...old, fresh] : old;
  const replicas = sum(all, (set) => set.status?.replicas);
  const available = sum(all, (set) => set.status?.availableReplicas);
  return {
    observedGeneration: deployment.metadata.generation,
    replicas,
    updatedReplicas: fresh?.status?.replicas ?? 0,
    readyReplicas: sum(all, (set) => set.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, (set) => set.spec.replicas) - available),
    terminatingReplicas: sum(all, (set) => set.status?.terminatingReplicas),
    ...(collisionCount ? { collisionCount } : {}),
  };
}

/** Every wished pod is of the present template and available, and no other is left. */
export function isComplete({ spec }: Deployment, status: DeploymentStatus): boolean {
  const desired = spec.replicas ?? 1;
  return (
    status.updatedReplicas === desired &&
    status.replicas === desired &&
    status.availableReplicas === desired
  );
}

function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function availability(state: RolloutState, now: DeploymentStatus): DeploymentCondition {
  const { desired, maxUnavailable } = rolloutBounds(state.deployment);
  const enough = (now.availableReplicas ?? 0) >= desired - maxUnavailable;
  return {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: enough
      ? 'Deployment has minimum availability.'
      : 'Deployment does not have minimum availability.',
  };
}

function subject({ deployment, fresh }: RolloutState): string {
  return fresh ? `ReplicaSet "${fresh.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
}

/** The moment at which a rollout that stands still is given up; undefined when it is not waited for. */
export function progressDeadlineMs({ spec, status }: Deployment): number | undefined {
  const seconds = spec.progressDeadlineSeconds ?? 600;
  const progressing = findCondition(status?.conditions, 'Progressing');
  if (seconds >= progressDeadlineNever || spec.paused || !progressing) return undefined;
  const settled = ['NewReplicaSetAvailable', 'ProgressDeadlineExceeded', 'DeploymentPaused'];
  if (settled.includes(progressing.reason ?? '')) return undefined;
  const since = Date.parse(progressing.lastUpdateTime ?? progressing.lastTransitionTime ?? '');
  return Number.isNaN(since) ? undefined : since + seconds * 1000;
}

function progress(
  state: RolloutState,
  before: DeploymentStatus,
  now: DeploymentStatus,
  nowMs: number,
): DeploymentCondition | undefined {
  const { deployment, found } = state;
  const known = findCondition(before.conditions, 'Progressing');
  const make = (status: 'True' | 'False' | 'Unknown', reason: string, message: string) => ({
    type: 'Progressing',
    status,
    reason,
    message,
    lastUpdateTime: timestamp(nowMs),
  });
  if (deployment.spec.paused) {
    if (known?.reason === 'DeploymentPaused') return known;
    return make('Unknown', 'DeploymentPaused', 'Deployment is paused');
  }
  if (isComplete(deployment, now)) {
    if (known?.reason === 'NewReplicaSetAvailable') return known;
    const message = `${subject(state)} has successfully progressed.`;
    return make('True', 'NewReplicaSetAvailable', message);
  }
  if (known?.reason === 'DeploymentPaused') {
    return make('Unknown', 'DeploymentResumed', 'Deployment is resumed');
  }
  // A complete rollout that lost a pod is no new rollout: it stays complete until the template changes.
  const isSettled = known?.reason === 'NewReplicaSetAvailable';
  if (found && !(isSettled && found === 'FoundNewReplicaSet')) {
    return make(
      'True',
      found,
      `${subject(state)} ${found === 'FoundNewReplicaSet' ? 'is found' : 'is created'}`,
    );
  }
  if (isSettled && now.updatedReplicas === now.replicas) return known;
  // With pods of another template beside it, a rollout has begun, though the write that said so may have failed:
  // without this its deadline would never come.
  if (isSettled || hasProgressed(before, now)) {
    return make('True', 'ReplicaSetUpdated', `${subject(state)} is progressing.`);
  }
  const deadline = progressDeadlineMs(deployment);
  if (deadline === undefined || nowMs < deadline) return known;
  const obstacle = state.obstacle?.();
  const why = obstacle ? `: ${obstacle}` : '.';
  return make(
    'False',
    'ProgressDeadlineExceeded',
    `${subject(state)} has timed out progressing${why}`,
  );
}

/** The status that the Deployment should have now. */
export function deploymentStatus(state: RolloutState, nowMs: number): DeploymentStatus {
  const before = state.deployment.status ?? {};
  const now = counts(state);
  let conditions = withCondition(before.conditions, availability(state, now), nowMs);
  const progressing = progress(state, before, now, nowMs);
  if (progressing) conditions = withCondition(conditions, progressing, nowMs);
  const sets = state.fresh ? [state.fresh, ...state.old] : state.old;
  const failure = sets
    .map((set) => findCondition(set.status?.conditions, 'ReplicaFailure'))
    .find((condition) => condition?.status === 'True');
  conditions = failure
    ? withCondition<DeploymentCondition>(conditions, { ...failure }, nowMs)
    : withoutCondition(conditions, 'ReplicaFailure');
  return { ...now, conditions };
}
