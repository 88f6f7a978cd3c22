import type { Kind } from '@gantry/api-machinery';
import type { ResponseKind, SubresourceRegistry } from '../subresources/registry.js';
import type { KindRegistry } from './kind-registry.js';

export interface CatalogSubresource {
  readonly name: string;
  readonly responseKind: ResponseKind;
  readonly verbs: readonly string[];
}

/** One resource as discovery describes it, whatever form the description takes. */
export interface CatalogResource {
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly CatalogSubresource[];
}

export interface CatalogVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly CatalogResource[];
}

const storedVerbs = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
] as const;

const readWrite = ['get', 'patch', 'update'] as const;

function builtIn(kind: Kind): CatalogSubresource[] {
  const { group, version, plural, subresources } = kind;
  const own = { group, version, kind: kind.kind };
  const found: CatalogSubresource[] = [];
  if (subresources.status) found.push({ name: 'status', responseKind: own, verbs: readWrite });
  if (subresources.scale) {
    const responseKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    found.push({ name: 'scale', responseKind, verbs: readWrite });
  }
  if (group !== '') return found;
  if (plural === 'namespaces') {
    found.push({ name: 'finalize', responseKind: own, verbs: ['update'] });
  }
  if (plural === 'pods') {
    const binding = { group: '', version: 'v1', kind: 'Binding' };
    const eviction = { group: 'policy', version: 'v1', kind: 'Eviction' };
    found.push({ name: 'binding', responseKind: binding, verbs: ['create'] });
    found.push({ name: 'eviction', responseKind: eviction, verbs: ['create'] });
  }
  return found;
}

function registeredBelow(
  place: Pick<Kind, 'group' | 'version' | 'plural'>,
  own: ResponseKind,
  registry: SubresourceRegistry,
): CatalogSubresource[] {
  return registry.of(place).map(({ name, verbs, responseKind = own }) => ({
    name,
    verbs,
    responseKind,
  }));
}

function storedResource(kind: Kind, registry: SubresourceRegistry): CatalogResource {
  const own = { group: kind.group, version: kind.version, kind: kind.kind };
  const registered = registeredBelow(kind, own, registry);
  const subresources = [...builtIn(kind), ...registered].sort((a, b) => (a.name < b.name ? -1 : 1));
  const { plural, singular, namespaced, shortNames, categories } = kind;
  const names = { plural, singular, kind: kind.kind, namespaced, shortNames, categories };
  return { ...names, verbs: storedVerbs, subresources };
}

/** Everything that is served, core first, then the groups in the order of their kinds. */
export function catalog(kinds: KindRegistry, registry: SubresourceRegistry): CatalogVersion[] {
  const versions = new Map<
    string,
    { group: string; version: string; resources: CatalogResource[] }
  >();
  const versionOf = (group: string, version: string) => {
    const key = `${group}/${version}`;
    const known = versions.get(key) ?? { group, version, resources: [] };
    versions.set(key, known);
    return known.resources;
  };
  for (const kind of kinds.kinds) {
    versionOf(kind.group, kind.version).push(storedResource(kind, registry));
  }
  for (const computed of registry.resources()) {
    if (computed.hidden) continue;
    const { group, version, plural, singular, kind, namespaced, verbs } = computed;
    const names = { plural, singular, kind, namespaced, verbs };
    const subresources = registeredBelow(computed, { group, version, kind }, registry);
    versionOf(group, version).push({ ...names, shortNames: [], categories: [], subresources });
  }
  return [...versions.values()].sort((a, b) =>
    a.group < b.group ? -1 : a.group > b.group ? 1 : 0,
  );
}
