import { type ApiObject, type Kind, serverSideApply } from '@gantry/api-machinery';
import { type Namespace, NamespaceKind, type Pod, PodKind } from '@gantry/api';
import { type Clock, isReason, notFound, timestamp } from '@gantry/base';
import { objectText, versionedText, type ObjectStore } from '@gantry/controller';
import type { WatchCaches } from '../watch/watch-caches.js';
import { watchKind } from '../watch/watch-kind.js';
import { appliedTo, named } from './applying.js';
import { ApiBindings } from './api-bindings.js';
import { type CreateHook, CreateHooks } from './create-hooks.js';
import { Deleter } from './deleter.js';
import { detailsOf } from './details.js';
import { Evictions } from './evictions.js';
import { listKind } from './list-kind.js';
import type {
  Applied,
  ApplyOptions,
  DeleteOptions,
  DeliveredEvent,
  Deletion,
  ListOptions,
  ListPage,
  Patch,
  Selection,
  WatchRequest,
  WriteOptions,
  WriteTarget,
} from './options.js';
import { patched } from './patching.js';
import { PodModel, PodModels, type SentPod } from './pod-models.js';
import { PriorityAdmission } from './priority-admission.js';
import { admitRuntimeClass } from './runtime-class-admission.js';
import { type Change, Writer } from './writer.js';

/** How often server-side apply begins anew when the object comes or goes meanwhile. */
const maxApplyAttempts = 4;

export interface ResourcesDependencies {
  readonly objects: ObjectStore;
  readonly caches: WatchCaches;
  readonly clock: Clock;
}

/**
 * The rules of the API over the object store, the same for every kind: defaults, validation,
 * admission, optimistic concurrency, generations, graceful deletion and finalizers. The REST handlers,
 * the controllers and the agents' gateway all write through it. It takes decoded objects, throws
 * GantryErrors, and never changes an object that it was given (unless `owned`).
 */
export class Resources {
  private readonly objects: ObjectStore;
  private readonly caches: WatchCaches;
  private readonly writer: Writer;
  private readonly deleter: Deleter;
  private readonly evictions: Evictions;
  private readonly bindings: ApiBindings;
  private readonly priorities: PriorityAdmission;
  private readonly clock: Clock;
  private readonly models = new PodModels();

  constructor(
    dependencies: ResourcesDependencies,
    private readonly hooks = new CreateHooks(),
  ) {
    this.objects = dependencies.objects;
    this.caches = dependencies.caches;
    this.clock = dependencies.clock;
    this.writer = new Writer(dependencies.objects, dependencies.clock);
    this.deleter = new Deleter(dependencies.objects, dependencies.clock);
    this.evictions = new Evictions(dependencies.objects, this.deleter, dependencies.clock);
    const { objects, caches, clock } = dependencies;
    this.bindings = new ApiBindings(objects, caches, clock);
    this.priorities = new PriorityAdmission(dependencies.objects, dependencies.caches);
  }

  /** The same rules over a leader's fence: its writes fail once another leads (ServiceUnavailable). */
  fenced(fence: Parameters<ObjectStore['fenced']>[0]): Resources {
    const { caches, clock } = this;
    return new Resources({ objects: this.objects.fenced(fence), caches, clock }, this.hooks);
  }

  /** The newest version, a copy of the caller's own; NotFound. */
  async get<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
  ): Promise<T> {
    const found = await this.objects.get(kind, namespace, name);
    if (!found) throw notFound(detailsOf(kind, name));
    return found;
  }

  /** Like get, but undefined instead of NotFound. */
  find<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
  ): Promise<T | undefined> {
    return this.objects.get(kind, namespace, name);
  }

  /** Objects of one kind at one revision; Expired when a page's or an exact revision is compacted. */
  list<T extends ApiObject>(kind: Kind<T>, options: ListOptions = {}): Promise<ListPage<T>> {
    return listKind(kind, options, this.objects, this.caches);
  }

  /** Changes from a revision on, from the kind's one shared cache; Expired when that is too old. */
  watch<T extends ApiObject>(
    kind: Kind<T>,
    request: WatchRequest,
  ): Promise<AsyncIterable<readonly DeliveredEvent<T>[]>> {
    return watchKind(kind, request, this.objects, this.caches);
  }

  /** Stores a new object; AlreadyExists, Invalid, NotFound or Forbidden for its namespace. */
  async create<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const mine = options.owned ? object : structuredClone(object);
    const checked = options.sent && (await this.learning(options.sent, mine as unknown as Pod));
    const answer = await this.admit(kind, mine);
    return answer(await this.writer.create(kind, namespace, mine, options, checked));
  }

  /**
   * As create, for a pod whose request is that of others before but for its name; answers with the pod and its JSON.
   * Undefined, and nothing is stored, when it has to be made the plain way.
   */
  async createAlike(sent: SentPod): Promise<{ object: Pod; text: string } | undefined> {
    const found = this.models.find(sent);
    if (!found) return undefined;
    const { model, name } = found;
    const admitted = await this.priorities.known(model.askedClass);
    if (admitted !== model.priorityClass || this.hooks.has(PodKind)) return undefined;
    const [time, uid] = [timestamp(this.clock.now()), crypto.randomUUID()];
    const { pod, text } = model.make({ name, uid, time });
    const object = await this.writer.createChecked(PodKind, pod, text);
    const versioned = versionedText(text, object.metadata.resourceVersion!);
    return { object, text: versioned ?? objectText(object) };
  }

  /** What is to be done once nothing was found wrong with the pod, which was not admitted yet. */
  private async learning(sent: SentPod, pod: Pod): Promise<() => Promise<void>> {
    const { runtimeClassName, priorityClassName: asked } = pod.spec ?? {};
    const before = await this.priorities.known(asked);
    return async () => {
      // Each version of a class is another object, so admission has met this one too.
      const admitted = await this.priorities.known(asked);
      const isSettled = admitted === before && (admitted !== undefined || !asked);
      if (!isSettled || runtimeClassName || this.hooks.has(PodKind)) return;
      this.models.learn(sent, () => new PodModel(pod, asked, admitted));
    };
  }

  /**
   * Stores `count` new objects (100 at most) that are `model` but for the names made from its generateName, all at
   * once or none; fails as create does, and changes the model.
   */
  async createCopies<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string,
    model: T,
    count: number,
  ): Promise<T[]> {
    const answer = await this.admit(kind, model);
    return (await this.writer.createCopies(kind, namespace, model, count)).map(answer);
  }

  /** What is decided here for pods has to be decided for those that are sent alike too: see `createAlike`. */
  private async admit<T extends ApiObject>(kind: Kind<T>, object: T): Promise<(stored: T) => T> {
    await this.priorities.create(kind, object);
    if ((kind as Kind) === PodKind) {
      await admitRuntimeClass(this.objects, this.caches, object as unknown as Pod);
    }
    return this.hooks.run(kind, object);
  }

  /**
   * Replaces an object. With metadata.resourceVersion it must still be current (Conflict), without
   * one the write is unconditional. Status is kept.
   */
  update<T extends ApiObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.replace(kind, object, 'object', options);
  }

  /** As update, but only status changes. */
  updateStatus<T extends ApiObject>(
    kind: Kind<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.replace(kind, object, 'status', options);
  }

  /**
   * Read, change, write; read again after a conflict (bounded). `change` gets a copy that it may edit
   * and return; returning undefined leaves the object as it is. A change without effect is not written.
   */
  mutate<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    change: Change<T>,
    options: WriteOptions & { target?: WriteTarget } = {},
  ): Promise<T> {
    const { target = 'object' } = options;
    const admitted: Change<T> = async (current) => {
      const next = await change(current);
      if (next && target === 'object') await this.priorities.change(kind, next);
      return next;
    };
    return this.writer.change({ kind, namespace, name, target }, admitted, options);
  }

  /** As mutate, but only status changes. */
  mutateStatus<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    change: Change<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.mutate(kind, namespace, name, change, { ...options, target: 'status' });
  }

  /** Applies a patch as it came over the wire; its outcome is decoded and validated as a whole. */
  patch<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    patch: Patch,
    options: WriteOptions & { target?: WriteTarget } = {},
  ): Promise<T> {
    return this.mutate(kind, namespace, name, (current) => patched(kind, current, patch, options), {
      ...options,
    });
  }

  /**
   * Server-side apply: creates the object, or merges what is applied into it by field ownership. Conflict
   * names each field that another manager owns with another value, unless forced.
   */
  async apply<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    object: T,
    options: ApplyOptions,
  ): Promise<Applied<T>> {
    const { fieldManager: manager, force, target = 'object', ...write } = options;
    const subresource = target === 'status' ? target : undefined;
    const settings = { manager, force, subresource, time: timestamp(this.clock.now()) };
    const applied = named(object, name);
    const change = (current: T) => appliedTo(kind, current, applied, settings);
    for (let attempt = 1; ; attempt++) {
      try {
        const next = await this.mutate(kind, namespace, name, change, { ...write, target });
        return { object: next, created: false };
      } catch (error) {
        if (!isReason(error, 'NotFound') || target !== 'object') throw error;
      }
      try {
        const first = serverSideApply(kind, undefined, applied, settings);
        return { object: await this.create(kind, namespace, first, write), created: true };
      } catch (error) {
        if (!isReason(error, 'AlreadyExists') || attempt === maxApplyAttempts) throw error;
      }
    }
  }

  /** Marks an object as going, or removes it when nothing holds it; NotFound, Conflict. */
  delete<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<Deletion<T>> {
    return this.deleter.delete(kind, namespace, name, options);
  }

  /** Deletes all that is selected, one by one; those that vanish meanwhile are skipped. */
  async deleteCollection<T extends ApiObject>(
    kind: Kind<T>,
    selection: Selection,
    options: DeleteOptions = {},
  ): Promise<T[]> {
    const page = await this.list(kind, selection);
    return this.deleter.deleteAll(kind, page.items, options);
  }

  /** Deletes a pod within its disruption budget; TooManyRequests when that forbids it now. */
  evict(namespace: string, name: string, options: DeleteOptions = {}): Promise<void> {
    return this.evictions.evict(namespace, name, options);
  }

  /** Puts a pod on a node, once: Conflict when it is already on one, is going, or the node has no room. */
  bind(
    namespace: string,
    name: string,
    nodeName: string,
    options: WriteOptions & { uid?: string } = {},
  ): Promise<void> {
    return this.bindings.bind(namespace, name, nodeName, options);
  }

  /** Sets spec.finalizers of a namespace; the last one that goes takes the namespace with it. */
  finalizeNamespace(
    name: string,
    finalizers: readonly string[],
    options: WriteOptions = {},
  ): Promise<Namespace> {
    const finalized = (namespace: Namespace) => ({
      ...namespace,
      spec: { ...namespace.spec, finalizers: [...finalizers] },
    });
    return this.mutate(NamespaceKind, undefined, name, finalized, { ...options, target: 'whole' });
  }

  /** Runs when an object of `kind` is created, before it is validated; see CreateHook. */
  onCreate<T extends ApiObject>(kind: Kind<T>, hook: CreateHook<T>): void {
    this.hooks.add(kind, hook);
  }

  private replace<T extends ApiObject>(
    kind: Kind<T>,
    object: T,
    target: WriteTarget,
    options: WriteOptions,
  ): Promise<T> {
    const { namespace, name = '' } = object.metadata;
    const key = { kind, namespace, name, target };
    const change = async () => {
      if (target === 'object') await this.priorities.change(kind, object);
      return structuredClone(object);
    };
    return this.writer.change(key, change, options);
  }
}
