import { createHash } from 'node:crypto';
import { negotiate } from './accept.js';
import type { ApiRequest } from './api-request.js';
import { type ApiResponse, json } from './api-response.js';
import type { CatalogResource, CatalogVersion } from './catalog.js';
import { unknownResource } from './target.js';

const versionName = ({ group, version }: CatalogVersion) =>
  group ? `${group}/${version}` : version;

/** `GET /api` of old: the versions of the core group. */
function coreVersions(versions: readonly CatalogVersion[]): object {
  const core = versions.filter(({ group }) => group === '');
  return { kind: 'APIVersions', versions: core.map(({ version }) => version) };
}

function groupEntry(versions: readonly CatalogVersion[], name: string): object {
  const own = versions
    .filter(({ group }) => group === name)
    .map((each) => ({ groupVersion: versionName(each), version: each.version }));
  return { name, versions: own, preferredVersion: own[0] };
}

const groupNames = (versions: readonly CatalogVersion[]) => [
  ...new Set(versions.map(({ group }) => group).filter(Boolean)),
];

function groupList(versions: readonly CatalogVersion[]): object {
  const groups = groupNames(versions).map((name) => groupEntry(versions, name));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `GET /apis/GROUP`. */
export function discoverGroup(versions: readonly CatalogVersion[], group: string): ApiResponse {
  if (!groupNames(versions).includes(group)) throw unknownResource();
  return json({ kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(versions, group) });
}

function legacyResources(resource: CatalogResource): object[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource;
  const own: Record<string, unknown> = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
  };
  if (shortNames.length > 0) own['shortNames'] = shortNames;
  if (categories.length > 0) own['categories'] = categories;
  const below = resource.subresources.map(({ name, responseKind, verbs: subverbs }) => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    ...responseKind,
    verbs: subverbs,
  }));
  return [own, ...below];
}

/** `GET /api/v1`, `GET /apis/GROUP/VERSION`: every resource and subresource in one list. */
export function discoverVersion(
  versions: readonly CatalogVersion[],
  group: string,
  version: string,
): ApiResponse {
  const found = versions.find((each) => each.group === group && each.version === version);
  if (!found) throw unknownResource();
  const resources = found.resources.flatMap(legacyResources);
  const groupVersion = versionName(found);
  return json({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources });
}

function aggregatedResource(resource: CatalogResource, own: CatalogVersion): object {
  const { plural, singular, namespaced, verbs, shortNames, categories } = resource;
  const { group, version } = own;
  const scope = namespaced ? 'Namespaced' : 'Cluster';
  const responseKind = { group, version, kind: resource.kind };
  const entry = { resource: plural, responseKind, scope, singularResource: singular, verbs };
  const subresources = resource.subresources.map((sub) => ({
    subresource: sub.name,
    responseKind: sub.responseKind,
    verbs: sub.verbs,
  }));
  const names = shortNames.length > 0 ? { shortNames } : {};
  const groups = categories.length > 0 ? { categories } : {};
  return { ...entry, ...names, ...groups, ...(subresources.length > 0 ? { subresources } : {}) };
}

function aggregated(versions: readonly CatalogVersion[], groups: string[], apiVersion: string) {
  const items = groups.map((name) => ({
    metadata: { name, creationTimestamp: null },
    versions: versions
      .filter(({ group }) => group === name)
      .map((each) => ({
        version: each.version,
        resources: each.resources.map((resource) => aggregatedResource(resource, each)),
        freshness: 'Current',
      })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion, metadata: {}, items };
}

/** `GET /api` and `GET /apis`, aggregated for clients that ask for it, else in the old form. */
export function discoverRoot(
  versions: readonly CatalogVersion[],
  request: ApiRequest,
  root: 'api' | 'apis',
): ApiResponse {
  const form = negotiate(request.headers.accept, ['discovery']);
  if (form.as !== 'discovery') {
    return json(root === 'api' ? coreVersions(versions) : groupList(versions));
  }
  const apiVersion = `apidiscovery.k8s.io/${form.version}`;
  const groups = root === 'api' ? [''] : groupNames(versions);
  const body = JSON.stringify(aggregated(versions, groups, apiVersion));
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`;
  const headers = { etag, vary: 'Accept' };
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${form.version};as=APIGroupDiscoveryList`;
  if (request.headers['if-none-match'] === etag) {
    return { status: 304, contentType, headers, body: '' };
  }
  return { status: 200, contentType, headers, body };
}
