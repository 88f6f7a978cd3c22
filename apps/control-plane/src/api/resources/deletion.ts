import type { ApiObject, Kind } from '@gantry/api-machinery';
import { conflict, GantryError, timestamp } from '@gantry/base';
import { detailsOf } from './details.js';
import { omitEmpty } from './metadata.js';
import type { DeleteOptions, Preconditions, PropagationPolicy } from './options.js';

/** Removed by the garbage collector once it has cut the dependents loose. */
export const orphanFinalizer = 'orphan';
/** Removed by the garbage collector once the dependents are gone. */
export const foregroundFinalizer = 'foregroundDeletion';

/** What a delete does to the store: nothing, mark the object as going, or take it away. */
export type DeletionPlan<T> =
  | { readonly step: 'none' }
  | { readonly step: 'mark'; readonly object: T }
  | { readonly step: 'remove'; readonly object: T };

interface Podlike extends ApiObject {
  spec?: { nodeName?: string; terminationGracePeriodSeconds?: number };
  status?: { phase?: string };
}

interface Namespacelike extends ApiObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: string };
}

const isPod = (kind: Kind) => kind.group === '' && kind.plural === 'pods';
const isNamespace = (kind: Kind) => kind.group === '' && kind.plural === 'namespaces';

/** Every cluster has these, so nobody can delete them. */
const lastingNamespaces = new Set(['default', 'kube-system', 'gantry-system']);

function refuseLasting(kind: Kind, { metadata }: ApiObject): void {
  if (!isNamespace(kind) || !lastingNamespaces.has(metadata.name ?? '')) return;
  const message = `namespaces "${metadata.name}" is forbidden: this namespace may not be deleted`;
  throw new GantryError('Forbidden', message, detailsOf(kind, metadata.name));
}

/** Conflict when the object is not the one, or not the version, that the caller meant. */
export function checkPreconditions(kind: Kind, object: ApiObject, wanted?: Preconditions): void {
  const { uid, resourceVersion } = object.metadata;
  const details = detailsOf(kind, object.metadata.name);
  if (wanted?.uid !== undefined && wanted.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`;
    throw conflict(details, why);
  }
  if (wanted?.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
    const why =
      `Precondition failed: ResourceVersion in precondition: ${wanted.resourceVersion}, ` +
      `ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(details, why);
  }
}

/** Seconds the object gets to end: only pods that run somewhere need any. Undefined: not graceful. */
function gracePeriod(kind: Kind, object: Podlike, asked: number | undefined): number | undefined {
  if (!isPod(kind)) return undefined;
  const phase = object.status?.phase;
  if (!object.spec?.nodeName || phase === 'Succeeded' || phase === 'Failed') return 0;
  const seconds = asked ?? object.spec.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
}

function withPropagation(finalizers: readonly string[], policy?: PropagationPolicy): string[] {
  if (policy === undefined) return [...finalizers];
  const others = finalizers.filter((f) => f !== orphanFinalizer && f !== foregroundFinalizer);
  if (policy === 'Orphan') return [...others, orphanFinalizer];
  return policy === 'Foreground' ? [...others, foregroundFinalizer] : others;
}

const sameNames = (a: readonly string[], b: readonly string[]) => a.join('\n') === b.join('\n');

/** Whether nothing holds the object back any more: no finalizer, and no time left to be graceful. */
export function mayGo(kind: Kind, object: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (!deletionTimestamp || finalizers?.length || deletionGracePeriodSeconds) return false;
  return !(isNamespace(kind) && (object as Namespacelike).spec?.finalizers?.length);
}

function markGoing(kind: Kind, object: ApiObject, graceSeconds: number, nowMs: number): void {
  const { metadata } = object;
  metadata.deletionTimestamp = timestamp(nowMs + graceSeconds * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
  if (metadata.generation) metadata.generation += 1;
  if (isNamespace(kind)) {
    const namespace = object as Namespacelike;
    namespace.status = { ...namespace.status, phase: 'Terminating' };
  }
}

/** Someone asked before: a second delete may only shorten the time that is left. */
function shorten(object: ApiObject, graceSeconds: number | undefined): boolean {
  const { metadata } = object;
  const current = metadata.deletionGracePeriodSeconds ?? 0;
  if (graceSeconds === undefined || graceSeconds >= current) return false;
  const askedMs = Date.parse(metadata.deletionTimestamp ?? '') - current * 1000;
  metadata.deletionTimestamp = timestamp(askedMs + graceSeconds * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
  return true;
}

/**
 * What deleting `current` means (apimachinery's rest.BeforeDelete with its finalizers): pods on a
 * node get their grace period, finalizers and namespaces with content hold the object, the rest goes.
 * `current` may be changed in place.
 */
export function planDeletion<T extends ApiObject>(
  kind: Kind<T>,
  current: T,
  options: DeleteOptions,
  nowMs: number,
): DeletionPlan<T> {
  checkPreconditions(kind, current, options.preconditions);
  refuseLasting(kind, current);
  const before = current.metadata.finalizers ?? [];
  const finalizers = withPropagation(before, options.propagationPolicy);
  let changed = !sameNames(before, finalizers);
  current.metadata.finalizers = finalizers;
  omitEmpty(current.metadata);
  if (current.metadata.deletionTimestamp) {
    const asked = gracePeriod(kind, current, options.gracePeriodSeconds);
    const explicit = options.gracePeriodSeconds !== undefined || asked === 0;
    changed = shorten(current, explicit ? asked : undefined) || changed;
  } else {
    const grace = gracePeriod(kind, current, options.gracePeriodSeconds) ?? 0;
    markGoing(kind, current, grace, nowMs);
    changed = true;
  }
  if (mayGo(kind, current)) return { step: 'remove', object: current };
  return changed ? { step: 'mark', object: current } : { step: 'none' };
}
