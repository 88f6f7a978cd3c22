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
/** How many bindings share a turn, and one transaction. */
const maxTogether = 48;
/** How long the pods' cache may take to show what was bound before, in milliseconds. */
const maxLagMs = 5_000;
const lagCheckMs = 5;

interface Request {
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
  readonly options: WriteOptions & { uid?: string };
  resolve(): void;
  reject(error: unknown): void;
}

/** What is there before a turn: the pods and nodes of its requests, and the pods on those nodes. */
interface Ground {
  readonly pods: ReadonlyMap<Request, Pod | undefined>;
  readonly nodes: ReadonlyMap<string, Node | undefined>;
  readonly onNodes: Map<string, Pod[]>;
}

/**
 * Bindings that other schedulers, or people, ask for: made only where the node has room by its pods' requests,
 * whoever else binds at the same time (Conflict otherwise). All other filters are the scheduler's own matter.
 * Those that come while one turn is under way wait and take the next one together: each for itself would undo
 * the others' turns.
 */
export class ApiBindings {
  private readonly waiting: Request[] = [];
  private isBusy = false;

  constructor(
    private readonly objects: ObjectStore,
    private readonly caches: WatchCaches,
    private readonly clock: Clock,
  ) {}

  bind(
    namespace: string,
    name: string,
    nodeName: string,
    options: WriteOptions & { uid?: string },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ namespace, name, nodeName, options, resolve, reject });
      if (!this.isBusy) void this.work();
    });
  }

  private async work(): Promise<void> {
    this.isBusy = true;
    while (this.waiting.length > 0) {
      const together = this.waiting.splice(0, maxTogether);
      await this.take(together).catch((error: unknown) => {
        for (const request of together) request.reject(error);
      });
    }
    this.isBusy = false;
  }

  private async take(together: readonly Request[]): Promise<void> {
    const open = new Set(together);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(open);
      } catch (error) {
        // A pod that changed or went meanwhile is met as it is now by the next attempt.
        const isStale = isReason(error, 'Conflict') || isReason(error, 'NotFound');
        if (!isStale || attempt === maxAttempts) throw error;
        await delay(this.clock, retryMs * attempt);
      }
    }
  }

  /** Who is refused leaves `open`. Conflict or NotFound: somebody else has bound, or changed a pod, meanwhile. */
  private async attempt(open: Set<Request>): Promise<void> {
    const turns = await readTurns(this.objects.store);
    const ground = await this.read([...open], turns.loop > turns.api ? turns.loop : turns.api);
    const bound = new Map<string, Pod>();
    for (const request of open) {
      try {
        this.place(request, ground, bound);
      } catch (error) {
        open.delete(request);
        request.reject(error);
      }
    }
    if (bound.size > 0) {
      const operations = [...bound.values()].map(
        (object) => ({ type: 'update', kind: PodKind, object }) as unknown as ObjectOperation,
      );
      await this.objects.transact(operations, takingTurn('api', turns, ['loop', 'api']));
    }
    for (const request of open) request.resolve();
  }

  private place(request: Request, ground: Ground, bound: Map<string, Pod>): void {
    const { namespace, name, nodeName, options } = request;
    const key = `${namespace}/${name}`;
    const pod = bound.get(key) ?? ground.pods.get(request);
    if (!pod) throw notFound(detailsOf(PodKind, name));
    const next = boundTo(nodeName, options.uid, this.clock.now())(pod);
    const node = ground.nodes.get(nodeName);
    const others = ground.onNodes.get(nodeName) ?? [];
    // There is nothing to overcommit on a node that is not there.
    const why = node && shortage(node, others, next);
    if (why) throw conflict(detailsOf(PodKind, name), why);
    if (options.dryRun) return;
    bound.set(key, next);
    ground.onNodes.set(nodeName, [...others, next]);
  }

  /** Everything as it is at the revision `seen` or later. */
  private async read(together: readonly Request[], seen: bigint): Promise<Ground> {
    const nodeNames = [...new Set(together.map(({ nodeName }) => nodeName))];
    const [pods, nodes] = await Promise.all([
      Promise.all(
        together.map(({ namespace, name }) => this.objects.get(PodKind, namespace, name)),
      ),
      Promise.all(nodeNames.map((name) => this.objects.get(NodeKind, undefined, name))),
    ]);
    return {
      pods: new Map(together.map((request, i) => [request, pods[i]])),
      nodes: new Map(nodeNames.map((name, i) => [name, nodes[i]])),
      onNodes: await this.podsOn(new Set(nodeNames), seen),
    };
  }

  /** Bound pods of the nodes at this revision or later. */
  private async podsOn(nodeNames: ReadonlySet<string>, seen: bigint): Promise<Map<string, Pod[]>> {
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
    const pods = cache.find(({ spec }) => nodeNames.has(spec.nodeName ?? ''));
    return Map.groupBy(pods, ({ spec }) => spec.nodeName!);
  }
}

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
