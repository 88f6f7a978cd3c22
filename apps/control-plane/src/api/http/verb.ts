import type { ResourcePath } from './request-info.js';

const objectVerbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** The verb of a request as authorization, discovery and metrics name it. */
export function verbOf(method: string, path: ResourcePath, watch: boolean): string {
  const verb = objectVerbs[method] ?? method.toLowerCase();
  if (path.subresource !== undefined) return verb;
  if (verb === 'get' && watch) return 'watch';
  if (path.name !== undefined) return verb;
  if (verb === 'get') return 'list';
  return verb === 'delete' ? 'deletecollection' : verb;
}
