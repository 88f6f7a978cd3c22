import type { ApiObject } from '@gantry/api-machinery';
import type { ApiClient } from './api-client.js';
import type { ResourceType } from './resource.js';

/** A served resource as discovery tells it. */
export interface DiscoveredResource<T extends ApiObject = ApiObject> extends ResourceType<T> {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
}

interface ApiResource {
  name: string;
  singularName?: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
}

interface GroupList {
  groups: { name: string; preferredVersion: { groupVersion: string; version: string } }[];
}

async function resourcesOf(
  client: ApiClient,
  group: string,
  version: string,
): Promise<DiscoveredResource[]> {
  const path = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const list = await client.request<{ resources: ApiResource[] }>({ method: 'GET', path });
  return list.resources
    .filter(({ name }) => !name.includes('/'))
    .map((resource) => ({
      group,
      version,
      kind: resource.kind,
      plural: resource.name,
      singular: resource.singularName || resource.kind.toLowerCase(),
      namespaced: resource.namespaced,
      shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [],
      verbs: resource.verbs,
    }));
}

/** All resources that the server serves, in the preferred version of each group, core first. */
export async function discover(client: ApiClient): Promise<DiscoveredResource[]> {
  const { groups } = await client.request<GroupList>({ method: 'GET', path: '/apis' });
  const core = resourcesOf(client, '', 'v1');
  const others = groups.map(({ name, preferredVersion }) =>
    resourcesOf(client, name, preferredVersion.version),
  );
  return (await Promise.all([core, ...others])).flat();
}
