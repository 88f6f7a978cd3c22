import {
  apiVersionOf,
  matches,
  type ApiObject,
  type Kind,
  type LabelSelector,
  type OwnerReference,
} from '@gantry/api';

/** The one owner that manages the object, if any. */
export function controllerOf(object: ApiObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller);
}

export function isControlledBy(object: ApiObject, owner: ApiObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** A reference by which `owner` manages what it creates; foreground deletion of the owner waits for it. */
export function controllerReference<T extends ApiObject>(kind: Kind<T>, owner: T): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata.name!,
    uid: owner.metadata.uid!,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export interface Claims<T> {
  /** Managed by the owner and selected by it. */
  readonly owned: T[];
  /** Selected, managed by nobody: to be taken over. */
  readonly orphans: T[];
  /** Managed by the owner but no longer selected: to be let go. */
  readonly strays: T[];
}

/** Sorts candidates of the owner's namespace; an owner that is going takes and releases nothing. */
export function claim<T extends ApiObject>(
  owner: ApiObject,
  selector: LabelSelector,
  candidates: Iterable<T>,
): Claims<T> {
  const claims: Claims<T> = { owned: [], orphans: [], strays: [] };
  const isGoing = owner.metadata.deletionTimestamp !== undefined;
  for (const candidate of candidates) {
    const controller = controllerOf(candidate);
    if (controller && controller.uid !== owner.metadata.uid) continue;
    const isSelected = matches(selector, candidate.metadata.labels);
    if (controller) (isSelected || isGoing ? claims.owned : claims.strays).push(candidate);
    else if (isSelected && !isGoing && !candidate.metadata.deletionTimestamp) {
      claims.orphans.push(candidate);
    }
  }
  return claims;
}

/** The references with `reference` added; undefined when another manages the object meanwhile. */
export function withController(
  references: readonly OwnerReference[] | undefined,
  reference: OwnerReference,
): OwnerReference[] | undefined {
  const others = (references ?? []).filter((other) => other.uid !== reference.uid);
  if (others.some((other) => other.controller)) return undefined;
  return [...others, reference];
}

export function withoutOwner(
  references: readonly OwnerReference[] | undefined,
  uid: string | undefined,
): OwnerReference[] {
  return (references ?? []).filter((reference) => reference.uid !== uid);
}
