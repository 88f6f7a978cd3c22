import { NamespaceKind, type Namespace } from '@gantry/api';
import { isReason } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';

/** Namespaces that every cluster has. */
const namespaces = ['default', 'kube-system', 'gantry-system'];

/** Creates what every cluster has and this one lacks. */
export async function createInitialObjects(objects: ObjectStore): Promise<void> {
  for (const name of namespaces) {
    if (await objects.get(NamespaceKind, undefined, name)) continue;
    const namespace = { metadata: { name } } as Namespace;
    NamespaceKind.setDefaults(namespace);
    NamespaceKind.prepareForCreate(namespace);
    try {
      await objects.create(NamespaceKind, namespace);
    } catch (error) {
      // Another control plane started at the same moment.
      if (!isReason(error, 'AlreadyExists')) throw error;
    }
  }
}
