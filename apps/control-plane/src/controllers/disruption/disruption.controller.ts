import {
  hasEnded,
  DeploymentKind,
  matches,
  PodDisruptionBudgetKind,
  ReplicaSetKind,
  type ApiObject,
  type Pod,
  type PodDisruptionBudget,
} from '@gantry/api';
import { isReason } from '@gantry/base';
import { Controller, objectKey, source, type Informer } from '@gantry/controller';
import type { ControllerContext } from '../context.js';
import { canonicalJson } from '../deployment/template-hash.js';
import { controllerOf } from '../ownership.js';
import { podInformer } from '../pod-index.js';
import { budgetStatus } from './budget-status.js';

/** Keeps the status of disruption budgets: how many of their pods may be evicted now. */
export function disruptionController(context: ControllerContext): Controller {
  const reconciler = new Disruption(context);
  const { budgets, pods, sets, deployments } = reconciler;
  const ofNamespace = (object: ApiObject) =>
    budgets.list(object.metadata.namespace).map((budget) => objectKey(budget));
  return new Controller({
    name: 'disruption',
    sources: [
      source(budgets, (budget) => [objectKey(budget)]),
      source(pods, (pod) => reconciler.about(pod).map(objectKey)),
      source(sets, ofNamespace),
      source(deployments, ofNamespace),
    ],
    reconcile: (key) => reconciler.reconcile(key),
    logger: context.logger,
    clock: context.clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

class Disruption {
  readonly budgets: Informer<PodDisruptionBudget>;
  readonly pods: Informer<Pod>;
  readonly sets;
  readonly deployments;

  constructor(private readonly context: ControllerContext) {
    const { informers } = context;
    this.budgets = informers.for(PodDisruptionBudgetKind);
    this.pods = podInformer(informers);
    this.sets = informers.for(ReplicaSetKind);
    this.deployments = informers.for(DeploymentKind);
  }

  /** The budgets that count the pod. */
  about({ metadata }: Pod): PodDisruptionBudget[] {
    return this.budgets
      .list(metadata.namespace)
      .filter(({ spec }) => spec.selector && matches(spec.selector, metadata.labels));
  }

  async reconcile(key: string): Promise<void | { requeueAfterMs: number }> {
    const budget = this.budgets.getByKey(key);
    if (!budget || budget.metadata.deletionTimestamp) return;
    const { clock, resources } = this.context;
    const pods = this.podsOf(budget);
    const nowMs = clock.now();
    const { status, nextMs } = budgetStatus(budget, { pods, wanted: this.wantedOf(pods), nowMs });
    if (canonicalJson(status) !== canonicalJson(budget.status ?? {})) {
      // On this version only: an eviction that was granted meanwhile must not be forgotten.
      await resources
        .updateStatus(PodDisruptionBudgetKind, { ...budget, status })
        .catch((error: unknown) => {
          if (!isReason(error, 'NotFound')) throw error;
        });
    }
    return nextMs === undefined ? undefined : { requeueAfterMs: Math.max(50, nextMs - nowMs) };
  }

  private podsOf({ metadata, spec }: PodDisruptionBudget): Pod[] {
    const { selector } = spec;
    if (!selector) return [];
    return this.pods.list(metadata.namespace).filter((pod) => {
      return !hasEnded(pod) && matches(selector, pod.metadata.labels);
    });
  }

  /** What the pods' controllers want together; pods of none, or of an unknown kind, count as they are. */
  private wantedOf(pods: readonly Pod[]): number {
    const wanted = new Map<string, number>();
    let others = 0;
    for (const pod of pods) {
      const scale = this.scaleOf(pod);
      if (scale) wanted.set(scale.uid, scale.replicas);
      else others += 1;
    }
    return [...wanted.values()].reduce((sum, replicas) => sum + replicas, others);
  }

  private scaleOf(pod: Pod): { uid: string; replicas: number } | undefined {
    const { namespace } = pod.metadata;
    const owner = controllerOf(pod);
    if (owner?.kind !== ReplicaSetKind.kind) return undefined;
    const set = this.sets.get(namespace, owner.name);
    if (set?.metadata.uid !== owner.uid) return undefined;
    const above = controllerOf(set);
    const deployment =
      above?.kind === DeploymentKind.kind ? this.deployments.get(namespace, above.name) : undefined;
    const scaled = deployment && deployment.metadata.uid === above?.uid ? deployment : set;
    return { uid: scaled.metadata.uid!, replicas: scaled.spec.replicas ?? 1 };
  }
}
