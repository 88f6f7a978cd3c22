import { type ApiObject } from '@gantry/api-machinery';
import { type Namespace, NamespaceKind } from '@gantry/api';
import { GantryError, notFound } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';

/** Namespaces that are remembered; all are forgotten when there are more. */
const maxRemembered = 1_000;

/**
 * New objects need a namespace that exists (NotFound) and is not going away (Forbidden). What is remembered of
 * a namespace may be old, so the object is stored under the guard that it still is what was looked at.
 */
export class NamespaceAdmission {
  private readonly remembered = new Map<string, Namespace>();

  constructor(private readonly objects: ObjectStore) {}

  /** As last seen; read when it was not seen before or `isOld` says that it has changed since. */
  async live(name: string, object: ApiObject, isOld: boolean): Promise<Namespace> {
    const known = this.remembered.get(name);
    if (known && !isOld) return known;
    this.remembered.delete(name);
    const namespace = await this.objects.get(NamespaceKind, undefined, name);
    if (!namespace) throw notFound({ kind: 'namespaces', name });
    if (namespace.metadata.deletionTimestamp) throw terminating(name, object);
    if (this.remembered.size >= maxRemembered) this.remembered.clear();
    this.remembered.set(name, namespace);
    return namespace;
  }
}

function terminating(name: string, object: ApiObject): GantryError {
  const what = object.metadata.name ?? object.metadata.generateName ?? '';
  return new GantryError(
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
