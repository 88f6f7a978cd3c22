import { badRequest } from '@gantry/base';

/** A path of the API taken apart, as Kubernetes' RequestInfo has it. */
export interface ResourcePath {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  /** Undefined for a collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** What a path asks for: the groups, one version's resources, or a resource. */
export type ApiPath =
  | { readonly type: 'core' | 'groups' | 'unknown' }
  | { readonly type: 'group'; readonly group: string }
  | { readonly type: 'version'; readonly group: string; readonly version: string }
  | { readonly type: 'resource'; readonly path: ResourcePath };

/** Subresources of a namespace; any other third part is a resource inside it. */
const namespaceSubresources = new Set(['status', 'finalize']);

function segmentsOf(path: string): string[] {
  const segments = path.split('/').slice(1);
  if (!path.includes('%')) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    throw badRequest(`the path ${path} is not validly percent-encoded`);
  }
}

/** Takes the path of a URL (without query) apart. A trailing slash is ignored. */
export function parseApiPath(path: string): ApiPath {
  const segments = segmentsOf(path);
  if (segments.at(-1) === '') segments.pop();
  if (segments.includes('')) return { type: 'unknown' };
  const [root, ...rest] = segments;
  if (root === 'api') return below('', rest, 'core');
  if (root !== 'apis') return { type: 'unknown' };
  const [group, ...inGroup] = rest;
  if (group === undefined) return { type: 'groups' };
  if (inGroup.length === 0) return { type: 'group', group };
  return below(group, inGroup, 'unknown');
}

function below(group: string, segments: string[], bare: 'core' | 'unknown'): ApiPath {
  const [version, ...rest] = segments;
  if (version === undefined) return { type: bare };
  if (rest.length === 0) return { type: 'version', group, version };
  return resourcePath(group, version, rest);
}

function resourcePath(group: string, version: string, segments: string[]): ApiPath {
  const [first = '', second, third] = segments;
  const inNamespace =
    first === 'namespaces' && third !== undefined && !(group === '' && isOfNamespace(segments));
  const namespace = inNamespace ? second : undefined;
  const [plural = '', name, subresource, ...extra] = inNamespace ? segments.slice(2) : segments;
  if (extra.length > 0) return { type: 'unknown' };
  return { type: 'resource', path: { group, version, plural, namespace, name, subresource } };
}

function isOfNamespace(segments: string[]): boolean {
  return segments.length === 3 && namespaceSubresources.has(segments[2]!);
}
