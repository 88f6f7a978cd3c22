import type { Kind } from '@gantry/api-machinery';
import { badRequest, GantryError } from '@gantry/base';
import type { ResourcePath } from './request-info.js';

/** A stored kind and the place in it that a request goes to. */
export interface Target {
  readonly kind: Kind;
  readonly path: ResourcePath;
  readonly namespace: string | undefined;
}

export function methodNotAllowed(what: string): GantryError {
  return new GantryError(
    'MethodNotAllowed',
    `the server does not allow this method on the requested resource (${what})`,
  );
}

/** 404 as Kubernetes words it for paths that it does not serve. */
export function unknownResource(): GantryError {
  return new GantryError('NotFound', 'the server could not find the requested resource');
}

/** The path's name; MethodNotAllowed on a collection. */
export function nameOf({ path }: Target, method: string): string {
  if (path.name !== undefined) return path.name;
  throw methodNotAllowed(`${method} on the collection ${path.plural}`);
}

/** One object of a namespaced kind cannot be addressed without its namespace. */
export function requireNamespace({ kind, path }: Target): void {
  if (kind.namespaced && path.namespace === undefined) {
    throw badRequest(`${kind.plural} are namespaced: use /namespaces/NAMESPACE/${kind.plural}`);
  }
}
