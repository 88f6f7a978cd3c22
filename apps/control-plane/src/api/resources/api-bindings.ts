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
/** The index of the pods' cache, which is made with the first binding. */
const byNode = 'bound-to';

/** A pod that changed or went meanwhile is met as it is now by the next attempt. */
const isStale = (error: unknown) => isReason(error, 'Conflict') || isReason(error, 'NotFound');

interface Request {
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
  readonly options: WriteOptions & { uid?: string };
  resolve(): void;
  reject(error: unknown): void;
  attempts: number;
  /** The version of its pod that the last attempt began with. */
  seen: string | undefined;
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
  /** Those that would hold others up: each takes turns of its own. */
  private readonly apart: Request[] = [];
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
      const fresh = { attempts: 0, seen: undefined };
      this.waiting.push({ namespace, name, nodeName, options, resolve, reject, ...fresh });
      if (!this.isBusy) void this.work();
    });
  }

  private async work(): Promise<void> {
    this.isBusy = true;
    while (this.waiting.length > 0 || this.apart.length > 0) {
      if (this.waiting.length > 0) await this.take(this.waiting.splice(0, maxTogether));
      const [alone] = this.apart.splice(0, 1);
      if (alone) await this.take([alone]);
    }
    this.isBusy = false;
  }

  /** One attempt; who may be tried again comes back after a while, and holds nobody up until then. */
  private async take(together: readonly Request[]): Promise<void> {
    const open = new Set(together);
    try {
      await this.attempt(open);
    } catch (error) {
      const again = [...open].filter((request) => this.mayTryAgain(request, together, error));
      if (again.length === 0) return;
      // What fails for another reason than that it came too late says so once each goes alone.
      const queue = together.length > 1 && isStale(error) ? this.waiting : this.apart;
      this.clock.after(retryMs * again[0]!.attempts, () => {
        queue.push(...again);
        if (!this.isBusy) void this.work();
      });
    }
  }

  /** Counts the attempt; whoever has had enough is told the error. */
  private mayTryAgain(request: Request, together: readonly Request[], error: unknown): boolean {
    request.attempts += 1;
    // When the store is away nobody is helped by going alone.
    const mayHelp = together.length > 1 && !isReason(error, 'ServiceUnavailable');
    if (request.attempts < maxAttempts && (isStale(error) || mayHelp)) return true;
    request.reject(error);
    return false;
  }

  /** Who is refused leaves `open`. Conflict or NotFound: somebody else has bound, or changed a pod, meanwhile. */
  private async attempt(open: Set<Request>): Promise<void> {
    const turns = await readTurns(this.objects.store);
    const ground = await this.read([...open], turns.loop > turns.api ? turns.loop : turns.api);
    if (open.size > 1) this.setApart(open, ground);
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

  /** A pod that changes while it is being bound fails the whole transaction: it goes on alone. */
  private setApart(open: Set<Request>, { pods }: Ground): void {
    for (const request of open) {
      const version = pods.get(request)?.metadata.resourceVersion;
      const hasChanged = request.attempts > 0 && version !== request.seen;
      request.seen = version;
      if (!hasChanged) continue;
      open.delete(request);
      this.apart.push(request);
    }
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
    const { current } = cache;
    current.addIndex(byNode, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
    return new Map([...nodeNames].map((name) => [name, current.find(byNode, name)]));
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
