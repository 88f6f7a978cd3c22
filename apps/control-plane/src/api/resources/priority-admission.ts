import {
  PodKind,
  PriorityClassKind,
  systemPriorityClasses,
  type Pod,
  type PriorityClass,
} from '@gantry/api';
import type { ApiObject, Kind } from '@gantry/api-machinery';
import { GantryError } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';
import type { WatchCaches } from '../watch/watch-caches.js';
import { detailsOf } from './details.js';

function refused(kind: Kind, { metadata }: ApiObject, why: string): GantryError {
  const name = metadata.name ?? metadata.generateName ?? '';
  return new GantryError(
    'Forbidden',
    `${kind.plural} "${name}" is forbidden: ${why}`,
    detailsOf(kind, name),
  );
}

/** Gives new pods the priority of their class, and holds the classes to one default (Forbidden else). */
export class PriorityAdmission {
  constructor(
    private readonly objects: ObjectStore,
    private readonly caches: WatchCaches,
  ) {}

  /** Completes or refuses a new object, in place. */
  async create<T extends ApiObject>(kind: Kind<T>, object: T): Promise<void> {
    if ((kind as unknown) === PodKind) await this.admitPod(object as unknown as Pod);
    else await this.change(kind, object);
  }

  /** Refuses a second default class; other kinds pass. */
  async change<T extends ApiObject>(kind: Kind<T>, object: T): Promise<void> {
    if ((kind as unknown) !== PriorityClassKind) return;
    if (!(object as unknown as PriorityClass).globalDefault) return;
    // Two defaults that are made at the same moment both pass; the one with the smaller value counts.
    const { items } = await this.objects.list(PriorityClassKind);
    const other = items.find((c) => c.globalDefault && c.metadata.name !== object.metadata.name);
    if (!other) return;
    const why = `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`;
    throw refused(kind, object, why);
  }

  private async admitPod(pod: Pod): Promise<void> {
    const { spec } = pod;
    if (!spec) return;
    const known = await this.classOf(pod);
    if (known) spec.priorityClassName = known.metadata.name!;
    const priority = known?.value ?? 0;
    if (spec.priority !== undefined && spec.priority !== priority) {
      throw refused(
        PodKind,
        pod,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; ` +
          `priority admission controller computed ${priority} from the given PriorityClass name`,
      );
    }
    spec.priority = priority;
    const policy = known?.preemptionPolicy ?? 'PreemptLowerPriority';
    if (known && spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
      throw refused(
        PodKind,
        pod,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in ` +
          `pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
      );
    }
    spec.preemptionPolicy ??= policy;
  }

  /** The class of this name, or without one the default, as far as it is known here: an object of its own each version. */
  async known(name: string | undefined): Promise<PriorityClass | undefined> {
    const cached = await this.caches.ready(PriorityClassKind);
    if (!name) {
      const defaults = cached.find(({ globalDefault }) => globalDefault ?? false);
      return defaults.sort((a, b) => a.value - b.value)[0];
    }
    const isNamed = ({ metadata }: PriorityClass) => metadata.name === name;
    return cached.get(undefined, name) ?? systemPriorityClasses.find(isNamed);
  }

  private async classOf(pod: Pod): Promise<PriorityClass | undefined> {
    const { priorityClassName: name } = pod.spec;
    const known = await this.known(name);
    if (known || !name) return known;
    // The cache may not have seen a class that was made just before the pod.
    const found = await this.objects.get(PriorityClassKind, undefined, name);
    if (!found) throw refused(PodKind, pod, `no PriorityClass with name ${name} was found`);
    return found;
  }
}
