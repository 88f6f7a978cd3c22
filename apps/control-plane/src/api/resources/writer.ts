import {
  type ApiObject,
  type FieldError,
  jsonEqual,
  type Kind,
  trackUpdate,
} from '@gantry/api-machinery';
import {
  alreadyExists,
  type Clock,
  conflict,
  GantryError,
  isReason,
  notFound,
  timestamp,
} from '@gantry/base';
import { NamespaceKind } from '@gantry/api';
import type { ObjectStore } from '@gantry/controller';
import { mayGo } from './deletion.js';
import { detailsOf, invalidObject } from './details.js';
import { NamespaceAdmission } from './namespace-admission.js';
import {
  continueMetadata,
  generateName,
  omitEmpty,
  pretendCreated,
  startMetadata,
} from './metadata.js';
import { managersFor } from './managers.js';
import type { WriteOptions, WriteTarget } from './options.js';

/** How often a write is tried again when another writer came first, or a generated name was taken. */
const maxAttempts = 8;

/** Makes the next version from a copy of the current one; undefined leaves it as it is. */
export type Change<T> = (current: T) => T | undefined | Promise<T | undefined>;

export interface WriteKey<T extends ApiObject> {
  readonly kind: Kind<T>;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly target: WriteTarget;
}

/** The write path of one object: metadata rules, defaults, validation, compare-and-set. */
export class Writer {
  private readonly namespaces: NamespaceAdmission;

  constructor(
    private readonly objects: ObjectStore,
    private readonly clock: Clock,
  ) {
    this.namespaces = new NamespaceAdmission(objects);
  }

  /** `object` is changed in place on its way into the store; `checked` sees it when nothing is wrong with it. */
  async create<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    object: T,
    options: WriteOptions,
    checked?: () => Promise<void>,
  ): Promise<T> {
    const prefix = await this.begin(kind, namespace, object, options);
    await checked?.();
    const { metadata } = object;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.insert(kind, object, options);
      } catch (error) {
        if (!prefix || attempt === maxAttempts || !isReason(error, 'AlreadyExists')) throw error;
        metadata.name = generateName(prefix);
      }
    }
  }

  /** Stores an object that is complete but for its version, under a namespace that must be there; `text` is its JSON. */
  createChecked<T extends ApiObject>(kind: Kind<T>, object: T, text: string): Promise<T> {
    return sized(kind, object, this.createIn(object.metadata.namespace, kind, object, text));
  }

  /**
   * As create, for `count` objects that differ in the names that are made for them only: checked once, stored
   * together, all or none.
   */
  async createCopies<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string,
    model: T,
    count: number,
  ): Promise<T[]> {
    const prefix = await this.begin(kind, namespace, model, {});
    if (!prefix) throw new Error('copies need metadata.generateName, and no name of their own');
    let isOld = false;
    for (let attempt = 1; ; attempt++) {
      const names = new Set<string>();
      while (names.size < count) names.add(generateName(prefix));
      const live = await this.namespaces.live(namespace, model, isOld);
      const beside = [{ kind: NamespaceKind, object: live }];
      try {
        const stored = this.objects.createCopies(kind, model, [...names], beside);
        const created = await sized(kind, model, stored);
        if (created) return created;
        isOld = true;
      } catch (error) {
        if (!isReason(error, 'AlreadyExists') || attempt === maxAttempts) throw error;
      }
      if (attempt === maxAttempts) throw this.unsettled(kind, namespace, model);
    }
  }

  /** Makes of the object what is stored; returns what its name was made from, if it had none. */
  private async begin<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    object: T,
    options: WriteOptions,
  ): Promise<string | undefined> {
    // A namespace that is not there is told before whatever else is wrong.
    if (kind.namespaced && namespace) await this.namespaces.live(namespace, object, false);
    startMetadata(kind, namespace, object);
    const { metadata } = object;
    const prefix = metadata.name ? undefined : metadata.generateName;
    if (prefix) metadata.name = generateName(prefix);
    kind.setDefaults(object);
    kind.prepareForCreate(object);
    this.track(kind, undefined, object, options);
    this.refuse(kind, object, kind.validate(object));
    omitEmpty(metadata);
    return prefix;
  }

  private unsettled<T extends ApiObject>(kind: Kind<T>, namespace: string, { metadata }: T) {
    const why = `namespace ${namespace} changed ${maxAttempts} times in a row`;
    return conflict(detailsOf(kind, metadata.name), why);
  }

  private async insert<T extends ApiObject>(
    kind: Kind<T>,
    object: T,
    options: WriteOptions,
  ): Promise<T> {
    const { namespace, name = '' } = object.metadata;
    if (!options.dryRun) return sized(kind, object, this.createIn(namespace, kind, object));
    if (kind.namespaced && namespace) await this.namespaces.live(namespace, object, true);
    const existing = await this.objects.get(kind, namespace, name);
    if (existing) throw alreadyExists(detailsOf(kind, name));
    pretendCreated(object, this.clock.now());
    return object;
  }

  private async createIn<T extends ApiObject>(
    namespace: string | undefined,
    kind: Kind<T>,
    object: T,
    text?: string,
  ): Promise<T> {
    if (!kind.namespaced || !namespace) return this.objects.create(kind, object);
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const live = await this.namespaces.live(namespace, object, attempt > 1);
      const beside = [{ kind: NamespaceKind, object: live }];
      const created = await this.objects.createBeside(kind, object, beside, text);
      if (created) return created;
    }
    throw this.unsettled(kind, namespace, object);
  }

  /** Read, change, check, write; again when another writer came first. */
  async change<T extends ApiObject>(
    key: WriteKey<T>,
    change: Change<T>,
    options: WriteOptions,
  ): Promise<T> {
    const { kind, namespace, name } = key;
    for (let attempt = 1; ; attempt++) {
      const current = await this.objects.get(kind, namespace, name);
      if (!current) throw notFound(detailsOf(kind, name));
      const next = await change(structuredClone(current));
      if (next === undefined) return current;
      this.prepare(key, next, current);
      const managedFields = managersFor(next.metadata, current.metadata);
      if (options.fieldManager) next.metadata.managedFields = managedFields;
      omitEmpty(next.metadata);
      if (jsonEqual(next, current)) return current;
      const before = { ...current, metadata: { ...current.metadata, managedFields } };
      if (key.target !== 'whole') this.track(kind, before, next, options, key.target);
      if (options.dryRun) return next;
      try {
        return await this.write(kind, next);
      } catch (error) {
        if (attempt === maxAttempts || !isReason(error, 'Conflict')) throw error;
      }
    }
  }

  private track<T extends ApiObject>(
    kind: Kind<T>,
    current: T | undefined,
    next: T,
    { fieldManager: manager }: WriteOptions,
    target: 'object' | 'status' = 'object',
  ): void {
    if (!manager) return;
    const subresource = target === 'status' ? target : undefined;
    trackUpdate(kind, current, next, { manager, subresource, time: timestamp(this.clock.now()) });
  }

  private prepare<T extends ApiObject>(key: WriteKey<T>, next: T, current: T): void {
    const { kind, target } = key;
    continueMetadata(kind, next, current);
    if (target === 'whole') return;
    if (target === 'status') {
      kind.prepareForStatusUpdate(next, current);
      this.refuse(kind, next, kind.validateStatus(next, current));
      return;
    }
    kind.setDefaults(next);
    kind.prepareForUpdate(next, current);
    this.refuse(kind, next, kind.validate(next, current));
  }

  /** The last finalizer that goes takes the object with it. */
  private async write<T extends ApiObject>(kind: Kind<T>, next: T): Promise<T> {
    if (!mayGo(kind, next)) {
      return sized(kind, next, this.objects.update(kind, next));
    }
    const { namespace, name = '', uid, resourceVersion } = next.metadata;
    await this.objects.remove(kind, namespace, name, { uid, resourceVersion });
    return next;
  }

  private refuse<T extends ApiObject>(kind: Kind<T>, object: T, errors: FieldError[]): void {
    if (errors.length > 0) throw invalidObject(kind, object, errors);
  }
}

/** The store knows keys and bytes; the client is told which object it was. */
async function sized<T extends ApiObject, R>(
  kind: Kind<T>,
  { metadata }: T,
  write: Promise<R>,
): Promise<R> {
  try {
    return await write;
  } catch (error) {
    if (!isReason(error, 'RequestEntityTooLarge')) throw error;
    const message = `${kind.plural} "${metadata.name}" is too large: ${error.message}`;
    throw new GantryError(error.reason, message, detailsOf(kind, metadata.name), { cause: error });
  }
}
