import { NamespaceKind } from '@gantry/api';
import { patchScale, replaceScale, scaleOf } from '../subresources/scale.js';
import type { ApiRequest } from './api-request.js';
import { type ApiResponse, json } from './api-response.js';
import { decodeBody, looseBody, parseJson } from './body.js';
import type { ApiContext } from './context.js';
import { createBinding, createEviction } from './pod-subresources.js';
import { booleanOf, writeOptions } from './query.js';
import { getObject, listObjects } from './read.js';
import { methodNotAllowed, nameOf, requireNamespace, type Target } from './target.js';
import { watchObjects } from './watch-stream.js';
import {
  createObject,
  deleteObject,
  deleteObjects,
  patchObject,
  patchTypeOf,
  updateObject,
} from './write.js';

type Route = (context: ApiContext, request: ApiRequest, target: Target) => Promise<ApiResponse>;

type Routes = Readonly<Record<string, Route>>;

const collection: Routes = {
  GET: (context, request, target) =>
    booleanOf(request.query, 'watch')
      ? watchObjects(context, request, target)
      : listObjects(context, request, target),
  POST: createObject,
  DELETE: deleteObjects,
};

const object: Routes = {
  GET: (context, request, target) =>
    booleanOf(request.query, 'watch')
      ? watchObjects(context, request, target)
      : getObject(context, request, target, nameOf(target, 'GET')),
  PUT: (context, request, target) =>
    updateObject(context, request, target, nameOf(target, 'PUT'), 'object'),
  PATCH: (context, request, target) =>
    patchObject(context, request, target, nameOf(target, 'PATCH'), 'object'),
  DELETE: (context, request, target) =>
    deleteObject(context, request, target, nameOf(target, 'DELETE')),
};

const status: Routes = {
  GET: (context, request, target) => getObject(context, request, target, nameOf(target, 'GET')),
  PUT: (context, request, target) =>
    updateObject(context, request, target, nameOf(target, 'PUT'), 'status'),
  PATCH: (context, request, target) =>
    patchObject(context, request, target, nameOf(target, 'PATCH'), 'status'),
};

const placeOf = (target: Target, method: string) => ({
  kind: target.kind,
  namespace: target.namespace,
  name: nameOf(target, method),
});

const scale: Routes = {
  async GET({ resources }, _request, target) {
    requireNamespace(target);
    const { kind, namespace, name } = placeOf(target, 'GET');
    return json(scaleOf(await resources.get(kind, namespace, name)));
  },
  async PUT({ resources }, request, target) {
    requireNamespace(target);
    const options = writeOptions(request);
    return json(await replaceScale(resources, placeOf(target, 'PUT'), looseBody(request), options));
  },
  async PATCH({ resources }, request, target) {
    requireNamespace(target);
    const patch = { type: patchTypeOf(request), body: parseJson(request.body ?? Buffer.alloc(0)) };
    const options = writeOptions(request);
    return json(await patchScale(resources, placeOf(target, 'PATCH'), patch, options));
  },
};

const finalize: Routes = {
  async PUT({ resources }, request, target) {
    const options = writeOptions(request);
    const { object: namespace } = decodeBody(NamespaceKind, request, options.fieldValidation);
    const finalizers = namespace.spec?.finalizers ?? [];
    return json(await resources.finalizeNamespace(nameOf(target, 'PUT'), finalizers, options));
  },
};

const isOf = (target: Target, plural: string) =>
  target.kind.group === '' && target.kind.plural === plural;

const ofPods: Readonly<Record<string, Routes>> = {
  binding: { POST: createBinding },
  eviction: { POST: createEviction },
};

/** The methods of a built-in subresource; undefined when the kind has none of that name. */
function subresourceRoutes(target: Target, name: string): Routes | undefined {
  const { subresources } = target.kind;
  if (name === 'status') return subresources.status && status;
  if (name === 'scale') return subresources.scale && scale;
  if (name === 'finalize') return isOf(target, 'namespaces') ? finalize : undefined;
  return isOf(target, 'pods') && Object.hasOwn(ofPods, name) ? ofPods[name] : undefined;
}

/** Serves a stored kind; undefined when the path names a subresource that is not built in. */
export function routeStored(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
): Promise<ApiResponse> | undefined {
  const { name, subresource } = target.path;
  const named = name === undefined ? collection : object;
  const routes = subresource === undefined ? named : subresourceRoutes(target, subresource);
  if (!routes) return undefined;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = Object.hasOwn(routes, method) ? routes[method] : undefined;
  if (!route) throw methodNotAllowed(`${request.method} on ${describe(target)}`);
  return route(context, request, target);
}

function describe({ path }: Target): string {
  const { plural, name, subresource } = path;
  return [plural, name === undefined ? undefined : 'NAME', subresource].filter(Boolean).join('/');
}
