import { randomInt, randomUUID } from 'node:crypto';
import { apiVersionOf, type ApiObject, type Kind, type ObjectMeta } from '@gantry/api-machinery';
import { badRequest, conflict, timestamp } from '@gantry/base';
import { detailsOf } from './details.js';

// No vowels and no look-alikes, so that chance spells no words (as Kubernetes' rand.String).
const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const maxPrefixLength = 63 - suffixLength;

/** A name from a prefix that is free with high likelihood; callers retry on AlreadyExists. */
export function generateName(prefix: string): string {
  let suffix = '';
  for (let i = 0; i < suffixLength; i++) suffix += nameAlphabet[randomInt(nameAlphabet.length)];
  return prefix.slice(0, maxPrefixLength) + suffix;
}

function placeInNamespace(kind: Kind, namespace: string | undefined, object: ApiObject): void {
  const { metadata } = object;
  if (!kind.namespaced) {
    if (metadata.namespace) {
      throw badRequest(`${kind.kind} is cluster-scoped: remove metadata.namespace`);
    }
    delete metadata.namespace;
    return;
  }
  if (!namespace)
    throw badRequest(`an empty namespace may not be set when creating a ${kind.kind}`);
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest(
      `the namespace of the provided object does not match the namespace sent on the request ` +
        `(${metadata.namespace} instead of ${namespace})`,
    );
  }
  metadata.namespace = namespace;
}

/** Puts a new object's metadata in order: its place, and none of what only the server sets. */
export function startMetadata(kind: Kind, namespace: string | undefined, object: ApiObject): void {
  object.apiVersion = apiVersionOf(kind);
  object.kind = kind.kind;
  object.metadata ??= {};
  placeInNamespace(kind, namespace, object);
  const { metadata } = object;
  if (metadata.resourceVersion && metadata.resourceVersion !== '0') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  delete metadata.resourceVersion;
  delete metadata.uid;
  delete metadata.creationTimestamp;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
}

/** What the store would have given a new object; for dry runs. */
export function pretendCreated(object: ApiObject, nowMs: number): void {
  object.metadata.uid = randomUUID();
  object.metadata.creationTimestamp = timestamp(nowMs);
}

const serverOwned = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/**
 * Makes `object` a next version of `current`: hands it what only the server may set. BadRequest for
 * another name or namespace, Conflict for another uid or a version that is no longer current.
 */
export function continueMetadata(kind: Kind, object: ApiObject, current: ApiObject): void {
  const next = (object.metadata ??= {});
  const old = current.metadata;
  object.apiVersion = apiVersionOf(kind);
  object.kind = kind.kind;
  checkPlace(next, old);
  if (next.uid && next.uid !== old.uid) {
    const why = `Precondition failed: UID in precondition: ${next.uid}, UID in object meta: ${old.uid}`;
    throw conflict(detailsOf(kind, old.name), why);
  }
  const version = next.resourceVersion;
  if (version && version !== '0' && version !== old.resourceVersion) {
    throw conflict(detailsOf(kind, old.name));
  }
  next.name = old.name;
  if (old.namespace) next.namespace = old.namespace;
  next.resourceVersion = old.resourceVersion;
  for (const field of serverOwned) {
    if (old[field] === undefined) delete next[field];
    else Object.assign(next, { [field]: old[field] });
  }
}

function checkPlace(next: ObjectMeta, old: ObjectMeta): void {
  if (next.name && next.name !== old.name) {
    throw badRequest(
      `the name of the object (${next.name}) does not match the name on the URL (${old.name})`,
    );
  }
  if (next.namespace && next.namespace !== old.namespace) {
    throw badRequest(
      `the namespace of the object (${next.namespace}) does not match the namespace on the URL ` +
        `(${old.namespace ?? ''})`,
    );
  }
}

const optionalParts = [
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const;

/** Leaves out what is empty, in place, as Kubernetes' encoding does. */
export function omitEmpty(metadata: ObjectMeta): void {
  for (const part of optionalParts) {
    const value = metadata[part];
    if (value && Object.keys(value).length === 0) delete metadata[part];
  }
}
