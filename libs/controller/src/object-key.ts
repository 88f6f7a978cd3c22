import type { ApiObject, Kind } from '@gantry/api-machinery';
import { badRequest } from '@gantry/base';

type Place = Pick<Kind, 'group' | 'plural' | 'namespaced'>;

function segment(what: string, value: string | undefined): string {
  // A slash would reach into another object's place.
  if (!value || value.includes('/') || value.includes('\0')) {
    throw badRequest(`${what} ${JSON.stringify(value ?? '')} is not a name`);
  }
  return value;
}

/** Where the objects of a kind, or those of one namespace, lie: `registry/apps/deployments/NS/`. */
export function storePrefix(kind: Place, namespace?: string): string {
  const all = `registry/${kind.group || 'core'}/${kind.plural}/`;
  return kind.namespaced && namespace ? `${all}${segment('namespace', namespace)}/` : all;
}

/** Where one object lies: `registry/core/pods/default/web-0`. */
export function storeKey(kind: Place, namespace: string | undefined, name: string): string {
  const prefix = kind.namespaced
    ? storePrefix(kind, segment('namespace', namespace))
    : storePrefix(kind);
  return prefix + segment('name', name);
}

/** `NAMESPACE/NAME`, or `NAME` for objects without a namespace; what queues carry. */
export function objectKey({ metadata }: ApiObject): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : (metadata.name ?? '');
}

export function splitObjectKey(key: string): { namespace?: string; name: string } {
  const slash = key.indexOf('/');
  if (slash < 0) return { name: key };
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
