import {
  NamespaceKind,
  PriorityClassKind,
  systemPriorityClasses,
  type ApiObject,
  type Kind,
} from '@gantry/api';
import { isReason } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';

/** Namespaces that every cluster has. */
const namespaces = ['default', 'kube-system', 'gantry-system'];

/** Creates what every cluster has and this one lacks. */
export async function createInitialObjects(objects: ObjectStore): Promise<void> {
  for (const name of namespaces) {
    await createMissing(objects, NamespaceKind, { metadata: { name } });
  }
  for (const known of systemPriorityClasses) {
    await createMissing(objects, PriorityClassKind, structuredClone(known));
  }
}

async function createMissing<T extends ApiObject>(
  objects: ObjectStore,
  kind: Kind<T>,
  object: T,
): Promise<void> {
  if (await objects.get(kind, undefined, object.metadata.name!)) return;
  kind.setDefaults(object);
  kind.prepareForCreate(object);
  try {
    await objects.create(kind, object);
  } catch (error) {
    // Another control plane started at the same moment.
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}
