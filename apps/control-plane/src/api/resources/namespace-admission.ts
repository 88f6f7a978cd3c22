import { type ApiObject } from '@gantry/api-machinery';
import { NamespaceKind } from '@gantry/api';
import { GantryError, notFound } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';

/** New objects need a namespace that exists (NotFound) and is not going away (Forbidden). */
export async function requireLiveNamespace(
  objects: ObjectStore,
  name: string,
  object: ApiObject,
): Promise<void> {
  const namespace = await objects.get(NamespaceKind, undefined, name);
  if (!namespace) throw notFound({ kind: 'namespaces', name });
  if (!namespace.metadata.deletionTimestamp) return;
  const what = object.metadata.name ?? object.metadata.generateName ?? '';
  throw new GantryError(
    'Forbidden',
    `${object.kind ?? 'object'} "${what}" is forbidden: unable to create new content in namespace ` +
      `${name} because it is being terminated`,
    {
      name: what,
      kind: 'namespaces',
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${name} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  );
}
