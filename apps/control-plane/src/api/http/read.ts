import { badRequest } from '@gantry/base';
import { negotiate } from './accept.js';
import type { ApiRequest } from './api-request.js';
import type { ApiResponse } from './api-response.js';
import type { ApiContext } from './context.js';
import { listOptions } from './query.js';
import {
  type IncludeObject,
  type Representation,
  representList,
  representObject,
  respond,
} from './represent.js';
import { type Target, requireNamespace } from './target.js';

const includes: readonly IncludeObject[] = ['None', 'Metadata', 'Object'];

/** How the client wants its answer: object, Table or metadata alone. */
export function representationOf(request: ApiRequest, nowMs: number): Representation {
  const asked = request.query.get('includeObject') || 'Metadata';
  const includeObject = includes.find((each) => each === asked);
  if (!includeObject) throw badRequest(`includeObject must be one of ${includes.join(', ')}`);
  const form = negotiate(request.headers.accept, ['table', 'metadata']);
  return { form, includeObject, nowMs };
}

export async function getObject(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
  name: string,
): Promise<ApiResponse> {
  requireNamespace(target);
  const how = representationOf(request, context.clock.now());
  const object = await context.resources.get(target.kind, target.namespace, name);
  return respond(representObject(target.kind, object, how), how.form);
}

export async function listObjects(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
): Promise<ApiResponse> {
  const how = representationOf(request, context.clock.now());
  const options = listOptions(request.query, target.namespace);
  const page = await context.resources.list(target.kind, options);
  return respond(representList(target.kind, page, how), how.form);
}
