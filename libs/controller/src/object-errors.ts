import type { ApiObject, Kind, ObjectMeta } from '@gantry/api-machinery';
import {
  alreadyExists,
  badRequest,
  conflict,
  notFound,
  type ErrorDetails,
  type GantryError,
} from '@gantry/base';
import type { Entry, Precondition, Revision } from '@gantry/store';
import type { ObjectOperation } from './object-events.js';

export function details(kind: Kind, name: string | undefined): ErrorDetails {
  return { group: kind.group, kind: kind.plural, ...(name ? { name } : {}) };
}

/** A copy of the object with some metadata changed. */
export function withMetadata<T extends ApiObject>(object: T, changes: Partial<ObjectMeta>): T {
  return Object.assign({}, object, { metadata: Object.assign({}, object.metadata, changes) });
}

/** BadRequest when the text is no revision. */
export function parseRevision(text: string): Revision {
  if (/^\d{1,19}$/.test(text)) return BigInt(text);
  throw badRequest(`resourceVersion ${JSON.stringify(text)} is not a revision`);
}

/** Conflict when the object is not the one that the caller meant. */
export function refuseOther(
  kind: Kind,
  { metadata }: ApiObject,
  { uid, resourceVersion }: { uid?: string; resourceVersion?: string },
): void {
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
    throw conflict(details(kind, metadata.name), why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(details(kind, metadata.name));
  }
}

/** The error of the first operation of a transaction that did not hold. */
export function failureOf(
  operations: readonly ObjectOperation[],
  prepared: readonly { precondition: Precondition }[],
  failed: readonly (Entry | undefined)[],
): GantryError {
  const wrong = (index: number) =>
    (failed[index]?.modRevision ?? 0n) !== prepared[index]?.precondition.modRevision;
  const index = operations.findIndex((_, each) => wrong(each));
  const operation = operations[index] ?? operations[0];
  if (!operation) return conflict({});
  const about = details(operation.kind, operation.object.metadata.name);
  if (operation.type === 'create') return alreadyExists(about);
  return failed[index] ? conflict(about) : notFound(about);
}
