import type { ApiObject, Kind, OwnerReference } from '@gantry/api';
import { isReason } from '@gantry/base';
import { Controller, type Source } from '@gantry/controller';
import { foregroundFinalizer, orphanFinalizer } from '../../api/index.js';
import type { ControllerContext } from '../context.js';
import { ObjectGraph, type Node } from './object-graph.js';

/** Removes what depends on owners that are gone, and lets owners go in the order that their deletion asks for. */
export function garbageController(context: ControllerContext, kinds: readonly Kind[]): Controller {
  const collector = new GarbageCollector(context, kinds);
  return new Controller({
    name: 'garbage-collector',
    concurrency: 8,
    sources: collector.graph.informers.map((informer): Source => ({
      informer,
      keys: (object) => collector.graph.concernedBy(informer.kind, object),
    })),
    reconcile: (key) => collector.reconcile(key),
    logger: context.logger,
    clock: context.clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

/** What became of the owner that a reference names. */
type Owner = 'absent' | 'present' | 'waits-for-dependents';

class GarbageCollector {
  readonly graph: ObjectGraph;

  constructor(
    private readonly context: ControllerContext,
    kinds: readonly Kind[],
  ) {
    this.graph = new ObjectGraph(context.informers, kinds);
  }

  async reconcile(key: string): Promise<void> {
    const node = this.graph.find(key);
    if (!node) return;
    const { deletionTimestamp, finalizers = [], ownerReferences = [] } = node.object.metadata;
    if (deletionTimestamp && finalizers.includes(orphanFinalizer)) return this.orphan(node);
    if (deletionTimestamp && finalizers.includes(foregroundFinalizer))
      return this.deleteFirst(node);
    if (!deletionTimestamp && ownerReferences.length > 0) await this.collect(node, ownerReferences);
  }

  /** Deletes the object when no owner is left; with one left, only the references to the others go. */
  private async collect(node: Node, references: readonly OwnerReference[]): Promise<void> {
    const owners = await Promise.all(
      references.map(async (reference) => ({ reference, owner: await this.look(node, reference) })),
    );
    const gone = owners.filter(({ owner }) => owner === 'absent');
    const waiting = owners.filter(({ owner }) => owner === 'waits-for-dependents');
    const isKept = owners.some(({ owner }) => owner === 'present');
    if (isKept) {
      if (gone.length + waiting.length === 0) return;
      const uids = new Set([...gone, ...waiting].map(({ reference }) => reference.uid));
      return this.dropReferences(node, uids);
    }
    const policy = waiting.length > 0 && this.blocksAnyone(node) ? 'Foreground' : 'Background';
    await this.delete(node, policy);
  }

  /** The cache may be behind, so an owner counts as gone only when the store says so. */
  private async look(node: Node, reference: OwnerReference): Promise<Owner> {
    const kind = this.graph.ownerKind(reference);
    // Of a kind that is not served here nothing is known; its dependents are left alone.
    if (!kind) return 'present';
    const cached = this.graph.find(this.graph.ownerKey(node.object, reference)!)?.object;
    const namespace = kind.namespaced ? node.object.metadata.namespace : undefined;
    const isCached = cached?.metadata.uid === reference.uid;
    const owner = isCached
      ? cached
      : await this.context.resources.find(kind, namespace, reference.name);
    if (owner?.metadata.uid !== reference.uid) return 'absent';
    const { deletionTimestamp, finalizers = [] } = owner.metadata;
    const isWaiting = deletionTimestamp && finalizers.includes(foregroundFinalizer);
    return isWaiting ? 'waits-for-dependents' : 'present';
  }

  /** Foreground: the dependents go first; those that block hold the owner until they are gone. */
  private async deleteFirst(node: Node): Promise<void> {
    const { uid } = node.object.metadata;
    const dependents = this.graph.dependents(uid!);
    const blocking = dependents.filter(({ object }) =>
      object.metadata.ownerReferences?.some((r) => r.uid === uid && r.blockOwnerDeletion),
    );
    if (blocking.length === 0) return this.dropFinalizer(node, foregroundFinalizer);
    for (const dependent of dependents) {
      const { ownerReferences = [], deletionTimestamp } = dependent.object.metadata;
      if (!deletionTimestamp) await this.collect(dependent, ownerReferences);
    }
  }

  private async orphan(node: Node): Promise<void> {
    const { uid } = node.object.metadata;
    for (const dependent of this.graph.dependents(uid!)) {
      await this.dropReferences(dependent, new Set([uid!]));
    }
    await this.dropFinalizer(node, orphanFinalizer);
  }

  private blocksAnyone({ object }: Node): boolean {
    return this.graph.dependents(object.metadata.uid!).length > 0;
  }

  private dropReferences(node: Node, uids: ReadonlySet<string>): Promise<void> {
    return this.change(node, (current) => {
      const ownerReferences = (current.metadata.ownerReferences ?? []).filter(
        (reference) => !uids.has(reference.uid),
      );
      return { ...current, metadata: { ...current.metadata, ownerReferences } };
    });
  }

  private dropFinalizer(node: Node, finalizer: string): Promise<void> {
    return this.change(node, (current) => {
      const finalizers = (current.metadata.finalizers ?? []).filter((f) => f !== finalizer);
      return { ...current, metadata: { ...current.metadata, finalizers } };
    });
  }

  private async change(
    { kind, object }: Node,
    change: (current: ApiObject) => ApiObject,
  ): Promise<void> {
    const { namespace, name, uid } = object.metadata;
    await ignoreGone(
      this.context.resources.mutate(kind, namespace, name!, (current) =>
        current.metadata.uid === uid ? change(current) : undefined,
      ),
    );
  }

  private async delete(
    { kind, object }: Node,
    propagationPolicy: 'Background' | 'Foreground',
  ): Promise<void> {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    // With its version: somebody may just have given it another owner.
    const preconditions = { uid: uid!, resourceVersion: resourceVersion! };
    const options = { propagationPolicy, preconditions };
    await ignoreGone(this.context.resources.delete(kind, namespace, name!, options));
  }
}

async function ignoreGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
