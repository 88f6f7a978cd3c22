import {
  DeploymentKind,
  ReplicaSetKind,
  type Deployment,
  type DeploymentStatus,
  type Pod,
  type ReplicaSet,
} from '@gantry/api';
import { isReason } from '@gantry/base';
import { Controller, objectKey, source, type Informer } from '@gantry/controller';
import type { ControllerContext } from '../context.js';
import { Expectations } from '../expectations.js';
import {
  claim,
  controllerOf,
  controllerReference,
  withController,
  withoutOwner,
} from '../ownership.js';
import { isOnlyBinding } from '../pod-changes.js';
import { candidatesFor, indexByOwner, podInformer } from '../pod-index.js';
import { isActive } from '../replica-set/pod-order.js';
import { rolloutBounds } from './bounds.js';
import {
  deploymentStatus,
  isComplete,
  progressDeadlineMs,
  type RolloutState,
} from './deployment-status.js';
import { ReplicaSets } from './replica-sets.js';
import { expiredSets, isScaledForOther, revisionAnnotation, revisionOf } from './revision.js';
import { obstacleOf } from './obstacle.js';
import {
  proportionalResize,
  recreateStep,
  rollingStep,
  type Resize,
  type SetSize,
} from './rollout-plan.js';
import { canonicalJson, sameTemplate } from './template-hash.js';

/** Rolls ReplicaSets from one template to the next. */
export function deploymentController(context: ControllerContext): Controller {
  const reconciler = new DeploymentReconciler(context);
  return new Controller({
    name: 'deployment',
    concurrency: 4,
    sources: [
      source(context.informers.for(DeploymentKind), (deployment) => [objectKey(deployment)]),
      source(reconciler.sets, (set) => reconciler.concernedBySet(set)),
      source(reconciler.pods, (pod, other) => reconciler.concernedByPod(pod, other)),
    ],
    reconcile: (key) => reconciler.reconcile(key),
    logger: context.logger,
    clock: context.clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

const byAge = (a: ReplicaSet, b: ReplicaSet) =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  a.metadata.name!.localeCompare(b.metadata.name!);

const sizeOf = ({ metadata, spec, status }: ReplicaSet): SetSize => ({
  name: metadata.name!,
  replicas: spec.replicas ?? 1,
  present: status?.replicas ?? 0,
  available: status?.availableReplicas ?? 0,
  settled: (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0),
});

class DeploymentReconciler {
  readonly sets: Informer<ReplicaSet>;
  readonly pods: Informer<Pod>;
  private readonly deployments: Informer<Deployment>;
  private readonly writer: ReplicaSets;
  private readonly expectations: Expectations;

  constructor(private readonly context: ControllerContext) {
    this.deployments = context.informers.for(DeploymentKind);
    this.sets = indexByOwner(context.informers.for(ReplicaSetKind));
    this.pods = podInformer(context.informers);
    this.writer = new ReplicaSets(context);
    this.expectations = new Expectations(context.clock);
  }

  concernedBySet(set: ReplicaSet): string[] {
    this.expectations.observe(set, this.sets);
    const isGone = this.sets.get(set.metadata.namespace, set.metadata.name!) === undefined;
    if (isGone) this.writer.forget(set.metadata.uid!);
    const owner = controllerOf(set);
    const { namespace } = set.metadata;
    if (owner) return owner.kind === DeploymentKind.kind ? [`${namespace}/${owner.name}`] : [];
    return this.deployments
      .list(namespace)
      .filter((deployment) => claim(deployment, deployment.spec.selector, [set]).orphans.length > 0)
      .map(objectKey);
  }

  /** Recreate waits for the last old pod; a missed deadline quotes the pods. */
  concernedByPod(pod: Pod, other?: Pod): string[] {
    // New pods are counted by their set; what it counts is what is waited for.
    const isNew = !other && isActive(pod) && this.isStored(pod);
    if (isNew || (other && isOnlyBinding(pod, other))) return [];
    const owner = controllerOf(pod);
    const set = owner && this.sets.get(pod.metadata.namespace, owner.name);
    return set ? this.concernedBySet(set) : [];
  }

  private isStored({ metadata }: Pod): boolean {
    return this.pods.get(metadata.namespace, metadata.name!)?.metadata.uid === metadata.uid;
  }

  async reconcile(key: string): Promise<void | { requeueAfterMs: number }> {
    const deployment = this.deployments.getByKey(key);
    // A set of ours that the cache does not show yet would be missing in every sum.
    if (!deployment || this.expectations.isWaiting(deployment.metadata.uid!)) return;
    const sets = (await this.ownSets(deployment)).sort(byAge);
    if (this.writer.isBehind(sets)) return;
    const state = await this.roll(deployment, sets);
    await this.report(state);
    const deadlineMs = progressDeadlineMs(deployment);
    if (deadlineMs === undefined) return;
    // A little later than the deadline itself, so that it has passed whatever the rounding.
    return { requeueAfterMs: Math.max(1_000, deadlineMs - this.context.clock.now() + 100) };
  }

  private async ownSets(deployment: Deployment): Promise<ReplicaSet[]> {
    const candidates = candidatesFor(this.sets, deployment);
    const { owned, orphans, strays } = claim(deployment, deployment.spec.selector, candidates);
    const { uid } = deployment.metadata;
    for (const set of strays) {
      await this.writer.setOwners(set, (owners) => withoutOwner(owners, uid));
    }
    if (orphans.length > 0 && (await this.isLive(deployment))) {
      const reference = controllerReference(DeploymentKind, deployment);
      for (const set of orphans) {
        const adopted = await this.writer.setOwners(set, (o) => withController(o, reference));
        if (adopted && controllerOf(adopted)?.uid === uid) owned.push(adopted);
      }
    }
    return owned;
  }

  private async isLive({ metadata }: Deployment): Promise<boolean> {
    const live = await this.context.resources.find(
      DeploymentKind,
      metadata.namespace,
      metadata.name!,
    );
    return live?.metadata.uid === metadata.uid && !live?.metadata.deletionTimestamp;
  }

  private async roll(deployment: Deployment, sets: ReplicaSet[]): Promise<RolloutState> {
    const fresh = sets.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
    const old = sets.filter((set) => set !== fresh);
    const state: RolloutState = { deployment, fresh, old };
    if (deployment.metadata.deletionTimestamp) return state;
    const { desired } = rolloutBounds(deployment);
    const isScaling = sets.some((set) => isScaledForOther(set, desired));
    if (isScaling || deployment.spec.paused) return this.scaleOnly(state);
    if (deployment.spec.strategy?.type === 'Recreate') return this.recreate(state);
    return this.update(state);
  }

  /** A changed number, or a pause: sizes follow, the template does not. */
  private async scaleOnly(state: RolloutState): Promise<RolloutState> {
    const { deployment, fresh, old } = state;
    const { desired, maxSurge } = rolloutBounds(deployment);
    const all = fresh ? [...old, fresh] : [...old];
    const active = all.filter((set) => (set.spec.replicas ?? 1) > 0);
    const single = active.length === 1 ? active[0] : undefined;
    if (active.length === 0) {
      const latest = fresh ?? old.at(-1);
      return this.resized(state, latest ? new Map([[latest.metadata.name!, desired]]) : new Map());
    }
    if (single) return this.resized(state, new Map([[single.metadata.name!, desired]]));
    const isSaturated =
      fresh?.spec.replicas === desired && fresh?.status?.availableReplicas === desired;
    if (isSaturated) {
      const stale = active.filter((set) => set !== fresh);
      return this.resized(state, new Map(stale.map((set) => [set.metadata.name!, 0])));
    }
    const isRolling = deployment.spec.strategy?.type !== 'Recreate';
    const allowed = desired > 0 && isRolling ? desired + maxSurge : desired;
    const resize = isRolling ? proportionalResize(allowed, active.map(sizeOf)) : new Map();
    // Sets that keep their size must still learn the new number, or they would be scaled again and again.
    for (const set of active) {
      const name = set.metadata.name!;
      if (!resize.has(name)) resize.set(name, set.spec.replicas ?? 1);
    }
    return this.resized(state, resize);
  }

  private async recreate(state: RolloutState): Promise<RolloutState> {
    const { deployment, fresh, old } = state;
    const sizes = old.map(sizeOf);
    const left =
      sizes.some(({ present, settled }) => present > 0 || !settled) ||
      old.some((set) => this.hasPods(set));
    const { desired } = rolloutBounds(deployment);
    const resize = recreateStep(desired, fresh && sizeOf(fresh), sizes, left);
    const scaled = await this.resized(state, resize);
    if (left || resize.size > 0) return scaled;
    return this.withFreshSet(scaled, desired);
  }

  /** Also pods that are still on their way out: with Recreate, two templates never run together. */
  private hasPods(set: ReplicaSet): boolean {
    return candidatesFor(this.pods, set).some(
      (pod) =>
        controllerOf(pod)?.uid === set.metadata.uid &&
        (isActive(pod) || (pod.metadata.deletionTimestamp && pod.status?.phase === 'Running')),
    );
  }

  private async update(state: RolloutState): Promise<RolloutState> {
    const bounds = rolloutBounds(state.deployment);
    const present = state.old.map(sizeOf);
    const empty = { name: '', replicas: 0, present: 0, available: 0, settled: true };
    const initial = rollingStep(bounds, empty, present).get('') ?? 0;
    const ready = await this.withFreshSet(state, initial);
    if (!ready.fresh) return ready;
    const resize = rollingStep(bounds, sizeOf(ready.fresh), present);
    const next = await this.resized(ready, resize);
    await this.cleanUp(next);
    return next;
  }

  private async withFreshSet(state: RolloutState, replicas: number): Promise<RolloutState> {
    const { deployment, old } = state;
    const newest = Math.max(0, ...old.map(revisionOf));
    if (state.fresh) {
      const revision = Math.max(newest + 1, revisionOf(state.fresh));
      const fresh = await this.writer.refresh(state.fresh, deployment, revision);
      await this.setRevision(deployment, fresh);
      const isKnown = deployment.status?.conditions?.some(({ type }) => type === 'Progressing');
      return { ...state, fresh, ...(isKnown ? {} : { found: 'FoundNewReplicaSet' }) };
    }
    const made = await this.writer.create(deployment, newest + 1, replicas);
    if (!made.set) return { ...state, collisionCount: made.collisionCount };
    if (!this.sets.get(made.set.metadata.namespace, made.set.metadata.name!)) {
      this.expectations.expectCreation(deployment.metadata.uid!, made.set.metadata.uid!);
    }
    await this.setRevision(deployment, made.set);
    return { ...state, fresh: made.set, found: 'NewReplicaSetCreated' };
  }

  private async setRevision(deployment: Deployment, fresh: ReplicaSet): Promise<void> {
    const revision = String(revisionOf(fresh));
    if (deployment.metadata.annotations?.[revisionAnnotation] === revision) return;
    const { namespace, name, uid } = deployment.metadata;
    await this.context.resources.mutate(DeploymentKind, namespace, name!, (current) => {
      if (current.metadata.uid !== uid) return undefined;
      const annotations = { ...current.metadata.annotations, [revisionAnnotation]: revision };
      return { ...current, metadata: { ...current.metadata, annotations } };
    });
  }

  private async resized(state: RolloutState, resize: Resize): Promise<RolloutState> {
    const { deployment } = state;
    const apply = async (set: ReplicaSet) => {
      const size = resize.get(set.metadata.name!);
      return size === undefined ? set : this.writer.resize(deployment, set, size);
    };
    const fresh = state.fresh && (await apply(state.fresh));
    const old: ReplicaSet[] = [];
    for (const set of state.old) old.push(await apply(set));
    return { ...state, fresh, old };
  }

  private async cleanUp({ deployment, fresh, old }: RolloutState): Promise<void> {
    if (!isComplete(deployment, deploymentStatus({ deployment, fresh, old }, 0))) return;
    const limit = deployment.spec.revisionHistoryLimit ?? 10;
    for (const set of expiredSets(old, limit)) await this.writer.remove(set);
  }

  private async report(state: RolloutState): Promise<void> {
    const { deployment, fresh } = state;
    const { clock, resources } = this.context;
    const isOfFresh = (pod: Pod) => controllerOf(pod)?.uid === fresh?.metadata.uid;
    const obstacle = () => fresh && obstacleOf(candidatesFor(this.pods, fresh).filter(isOfFresh));
    const collisionCount = state.collisionCount ?? deployment.status?.collisionCount;
    const full = { ...state, collisionCount, obstacle };
    const following = (status: DeploymentStatus | undefined) =>
      deploymentStatus({ ...full, deployment: { ...deployment, status } }, clock.now());
    const known = deployment.status;
    if (canonicalJson(following(known)) === canonicalJson(known ?? {})) return;
    const { namespace, name, uid } = deployment.metadata;
    try {
      // From the status as it is, not as the cache shows it: what a pass before this one wrote must not be undone.
      await resources.mutateStatus(DeploymentKind, namespace, name!, (current) =>
        current.metadata.uid === uid
          ? { ...current, status: following(current.status) }
          : undefined,
      );
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}
