import { NodeKind, PodKind, type Node, type Pod } from '@gantry/api';
import { conflict, delay, isReason, notFound, unavailable, type Clock } from '@gantry/base';
import type { ObjectOperation, ObjectStore } from '@gantry/controller';
import { Snapshot, uidOf } from '@gantry/scheduler';
import { schedulableNode } from '../../scheduling/schedulable-node.js';
import type { WatchCaches } from '../watch/watch-caches.js';
import { boundTo } from './binding.js';
import { readTurns, takingTurn } from './binding-turns.js';
import { detailsOf } from './details.js';
import type { WriteOptions } from './options.js';

/** How often a binding is tried while others bind. */
const maxAttempts = 20;
const retryMs = 10;
/** How long the pods' cache may take to show what was bound before, in milliseconds. */
const maxLagMs = 5_000;
const lagCheckMs = 5;

/**
 * Bindings that other schedulers, or people, ask for: made only where the node has room by its pods' requests,
 * whoever else binds at the same time (Conflict otherwise). All other filters are the scheduler's own matter.
 */
export class ApiBindings {
  constructor(
    private readonly objects: ObjectStore,
    private readonly caches: WatchCaches,
    private readonly clock: Clock,
  ) {}

  async bind(
    namespace: string,
    name: string,
    nodeName: string,
    options: WriteOptions & { uid?: string },
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(namespace, name, nodeName, options);
      } catch (error) {
        const isLost = error instanceof LostTurn;
        if (!isLost) throw error;
        if (attempt === maxAttempts) throw error.cause;
        await delay(this.clock, retryMs * attempt);
      }
    }
  }

  private async attempt(
    namespace: string,
    name: string,
    nodeName: string,
    options: WriteOptions & { uid?: string },
  ): Promise<void> {
    const turns = await readTurns(this.objects.store);
    const pod = await this.objects.get(PodKind, namespace, name);
    if (!pod) throw notFound(detailsOf(PodKind, name));
    const bound = boundTo(nodeName, options.uid, this.clock.now())(pod);
    const seen = turns.loop > turns.api ? turns.loop : turns.api;
    await this.requireRoom(bound, nodeName, seen);
    if (options.dryRun) return;
    const operation = {
      type: 'update',
      kind: PodKind,
      object: bound,
    } as unknown as ObjectOperation;
    try {
      await this.objects.transact([operation], takingTurn('api', turns, ['loop', 'api']));
    } catch (error) {
      if (isReason(error, 'Conflict')) throw new LostTurn('lost turn', { cause: error });
      throw error;
    }
  }

  private async requireRoom(pod: Pod, nodeName: string, seen: bigint): Promise<void> {
    const node = await this.objects.get(NodeKind, undefined, nodeName);
    // There is nothing to overcommit on a node that is not there.
    if (!node) return;
    const why = shortage(node, await this.podsOn(nodeName, seen), pod);
    if (why) throw conflict(detailsOf(PodKind, pod.metadata.name), why);
  }

  /** Bound pods of the node at this revision or later. */
  private async podsOn(nodeName: string, seen: bigint): Promise<Pod[]> {
    const cache = await this.caches.ready(PodKind);
    const startedMs = this.clock.now();
    while (cache.revision < seen) {
      if (this.clock.now() - startedMs > maxLagMs) {
        throw unavailable('the pods of the node are not known up to date: try again');
      }
      await delay(this.clock, lagCheckMs);
    }
    // Pods that one transaction bound come one after the other, but without a pause between them.
    await new Promise(setImmediate);
    return cache.find(({ spec }) => spec.nodeName === nodeName);
  }
}

class LostTurn extends Error {}

/** What the node lacks for the pod, in words; undefined when it has room. */
function shortage(node: Node, pods: readonly Pod[], pod: Pod): string | undefined {
  const snapshot = new Snapshot();
  snapshot.setNode(schedulableNode(node));
  for (const other of pods) if (uidOf(other) !== uidOf(pod)) snapshot.setPod(other);
  const { resources } = snapshot.nodes;
  const slot = snapshot.nodes.slot(node.metadata.name!)!;
  const { ask } = snapshot.handle({ ...pod, spec: { ...pod.spec, nodeName: undefined } }).podClass;
  const missing = [...ask.columns].flatMap((column, i) =>
    resources.free(column, slot) < ask.amounts[i]! ? [resources.names[column]!] : [],
  );
  return missing.length === 0
    ? undefined
    : `node ${node.metadata.name} has too little ${missing.join(' and ')} free for it; choose another`;
}
