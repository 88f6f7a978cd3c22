import { badRequest } from '@gantry/base';
import type { ApiRequest } from './api-request.js';
import { type ApiResponse, json } from './api-response.js';
import { looseBody } from './body.js';
import type { ApiContext } from './context.js';
import { deleteOptions, writeOptions } from './query.js';
import { success } from './status.js';
import { type Target, nameOf, requireNamespace } from './target.js';

interface Named {
  kind?: string;
  metadata?: { name?: string; namespace?: string; uid?: string };
}

function bodyFor(request: ApiRequest, target: Target, wanted: string): Named {
  requireNamespace(target);
  const body = looseBody(request) as Named | undefined;
  if (!body) throw badRequest(`the body must be a ${wanted}`);
  const { kind = wanted, metadata = {} } = body;
  const { name, namespace } = target.path;
  if (kind !== wanted) throw badRequest(`the body is a ${kind}, but this path takes a ${wanted}`);
  if (metadata.name && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest(
      `the namespace of the object (${metadata.namespace}) does not match the namespace on the ` +
        `URL (${namespace})`,
    );
  }
  return body;
}

/** POST pods/NAME/binding: puts the pod on the node that `target` names. */
export async function createBinding(
  { resources }: ApiContext,
  request: ApiRequest,
  target: Target,
): Promise<ApiResponse> {
  const body = bodyFor(request, target, 'Binding') as Named & {
    target?: { kind?: string; name?: string };
  };
  const node = body.target ?? {};
  if (node.kind && node.kind !== 'Node') throw badRequest('target.kind must be Node');
  if (!node.name) throw badRequest('target.name must name a node');
  const name = nameOf(target, 'POST');
  const options = { ...writeOptions(request), uid: body.metadata?.uid };
  await resources.bind(target.namespace!, name, node.name, options);
  return json(success(undefined, 201), 201);
}

/** POST pods/NAME/eviction (policy/v1): a delete within the pod's disruption budget. */
export async function createEviction(
  { resources }: ApiContext,
  request: ApiRequest,
  target: Target,
): Promise<ApiResponse> {
  const body = bodyFor(request, target, 'Eviction') as Named & { deleteOptions?: unknown };
  const options = deleteOptions(request.query, body.deleteOptions);
  await resources.evict(target.namespace!, nameOf(target, 'POST'), options);
  return json(success(undefined, 201), 201);
}
