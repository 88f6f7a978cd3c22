import {
  DeploymentKind,
  ReplicaSetKind,
  type Deployment,
  type LabelSelector,
  type OwnerReference,
  type ReplicaSet,
} from '@gantry/api';
import { conflict, isReason } from '@gantry/base';
import type { ControllerContext } from '../context.js';
import type { EventSink } from '../../events/index.js';
import { controllerOf, controllerReference } from '../ownership.js';
import { rolloutBounds } from './bounds.js';
import { scaleAnnotations, setAnnotations } from './revision.js';
import { sameTemplate, templateHash, templateHashLabel } from './template-hash.js';

/** The new set, or the raised collision count when a stranger holds its name. */
export interface Creation {
  readonly set?: ReplicaSet;
  readonly collisionCount?: number;
}

/** What a Deployment does to its ReplicaSets. All of it may be repeated. */
export class ReplicaSets {
  private readonly events: EventSink;
  /** Generations that we wrote, by uid, until the set is gone. */
  private readonly written = new Map<string, number>();

  constructor(private readonly context: ControllerContext) {
    this.events = context.events.for('deployment-controller');
  }

  /** Whether the cache lacks a size that we wrote: then nothing can be decided on it. */
  isBehind(sets: readonly ReplicaSet[]): boolean {
    return sets.some(
      ({ metadata }) => (metadata.generation ?? 0) < (this.written.get(metadata.uid!) ?? 0),
    );
  }

  forget(uid: string): void {
    this.written.delete(uid);
  }

  async create(deployment: Deployment, revision: number, replicas: number): Promise<Creation> {
    const { collisionCount = 0 } = deployment.status ?? {};
    const set = this.draft(deployment, revision, replicas, collisionCount);
    const { namespace, name } = set.metadata;
    try {
      const made = await this.context.resources.create(ReplicaSetKind, namespace, set);
      this.tell(deployment, made, 0, replicas);
      return { set: made };
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      const there = await this.context.resources.get(ReplicaSetKind, namespace, name!);
      const isOurs = controllerOf(there)?.uid === deployment.metadata.uid;
      if (isOurs && sameTemplate(there.spec.template, deployment.spec.template))
        return { set: there };
      return { collisionCount: collisionCount + 1 };
    }
  }

  /** Annotations and minReadySeconds follow the Deployment. */
  refresh(set: ReplicaSet, deployment: Deployment, revision: number): Promise<ReplicaSet> {
    const bounds = rolloutBounds(deployment);
    const wanted = setAnnotations(deployment, revision, bounds);
    const isUpToDate = (current: ReplicaSet) =>
      Object.entries(wanted).every(
        ([key, value]) => current.metadata.annotations?.[key] === value,
      ) && (current.spec.minReadySeconds ?? 0) === (deployment.spec.minReadySeconds ?? 0);
    if (isUpToDate(set)) return Promise.resolve(set);
    return this.mutate(set, (current) => ({
      ...current,
      metadata: {
        ...current.metadata,
        annotations: { ...current.metadata.annotations, ...wanted },
      },
      spec: { ...current.spec, minReadySeconds: deployment.spec.minReadySeconds ?? 0 },
    }));
  }

  async resize(deployment: Deployment, set: ReplicaSet, replicas: number): Promise<ReplicaSet> {
    const annotations = scaleAnnotations(rolloutBounds(deployment));
    const isCurrent = Object.entries(annotations).every(
      ([key, value]) => set.metadata.annotations?.[key] === value,
    );
    if (set.spec.replicas === replicas && isCurrent) return set;
    const resized = await this.mutate(set, (current) => {
      // The size was decided on this very spec; on another one it could break the bounds of the rollout.
      if (current.metadata.generation !== set.metadata.generation) {
        throw conflict({ kind: ReplicaSetKind.plural, group: 'apps', name: set.metadata.name! });
      }
      return {
        ...current,
        metadata: {
          ...current.metadata,
          annotations: { ...current.metadata.annotations, ...annotations },
        },
        spec: { ...current.spec, replicas },
      };
    });
    this.written.set(resized.metadata.uid!, resized.metadata.generation ?? 0);
    this.tell(deployment, set, set.spec.replicas ?? 1, replicas);
    return resized;
  }

  async remove({ metadata }: ReplicaSet): Promise<void> {
    try {
      await this.context.resources.delete(ReplicaSetKind, metadata.namespace, metadata.name!, {
        preconditions: { uid: metadata.uid!, resourceVersion: metadata.resourceVersion! },
        propagationPolicy: 'Background',
      });
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
    }
  }

  /** Undefined when the set is gone or `owners` has nothing to change. */
  async setOwners(
    set: ReplicaSet,
    owners: (current: OwnerReference[] | undefined) => OwnerReference[] | undefined,
  ): Promise<ReplicaSet | undefined> {
    try {
      return await this.mutate(set, (current) => {
        const ownerReferences = owners(current.metadata.ownerReferences);
        if (!ownerReferences) return undefined;
        return { ...current, metadata: { ...current.metadata, ownerReferences } };
      });
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  private mutate(
    { metadata: { namespace, name, uid } }: ReplicaSet,
    change: (current: ReplicaSet) => ReplicaSet | undefined,
  ): Promise<ReplicaSet> {
    return this.context.resources.mutate(ReplicaSetKind, namespace, name!, (current) =>
      current.metadata.uid === uid ? change(current) : undefined,
    );
  }

  private draft(
    deployment: Deployment,
    revision: number,
    replicas: number,
    collisionCount: number,
  ): ReplicaSet {
    const { template, selector, minReadySeconds } = deployment.spec;
    const hash = templateHash(template, collisionCount);
    const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
    return {
      metadata: {
        name: `${deployment.metadata.name}-${hash}`,
        namespace: deployment.metadata.namespace,
        labels,
        annotations: setAnnotations(deployment, revision, rolloutBounds(deployment)),
        ownerReferences: [controllerReference(DeploymentKind, deployment)],
      },
      spec: {
        replicas,
        minReadySeconds: minReadySeconds ?? 0,
        selector: withLabel(selector, hash),
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    };
  }

  private tell(deployment: Deployment, set: ReplicaSet, from: number, to: number): void {
    if (from === to) return;
    const direction = to > from ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`;
    this.events.record(DeploymentKind, deployment, {
      type: 'Normal',
      reason: 'ScalingReplicaSet',
      message,
    });
  }
}

function withLabel(selector: LabelSelector, hash: string): LabelSelector {
  return { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } };
}
