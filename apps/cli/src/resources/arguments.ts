import type { DiscoveredResource } from '@gantry/client';
import { UsageError } from '../usage-error.js';
import type { ResourceCatalog } from './catalog.js';

/** One resource type with the names that were asked for; none means all of them. */
export interface Selection {
  readonly resource: DiscoveredResource;
  readonly names: readonly string[];
}

/**
 * Reads `TYPE`, `TYPE NAME…`, `TYPE/NAME…`, `TYPE,TYPE` and categories such as `all`. A category or a
 * list of types takes no names.
 */
export async function parseSelections(
  catalog: ResourceCatalog,
  words: readonly string[],
): Promise<Selection[]> {
  const [first, ...rest] = words;
  if (first === undefined) {
    throw new UsageError('say which resource, for example: pods, deployment/web, nodes');
  }
  if (words.some((word) => word.includes('/'))) return parsePairs(catalog, words);
  const types = first.split(',').filter(Boolean);
  if (types.length > 1 && rest.length > 0) {
    throw new UsageError('several types take no names; write TYPE/NAME for each instead');
  }
  const resources = await Promise.all(types.map((type) => resolve(catalog, type)));
  return resources.flat().map((resource) => ({ resource, names: rest }));
}

async function resolve(
  catalog: ResourceCatalog,
  type: string,
): Promise<readonly DiscoveredResource[]> {
  return type === 'all' ? catalog.category('all') : [await catalog.find(type)];
}

async function parsePairs(
  catalog: ResourceCatalog,
  words: readonly string[],
): Promise<Selection[]> {
  const selections: { resource: DiscoveredResource; names: string[] }[] = [];
  for (const word of words) {
    const [type = '', name = '', ...more] = word.split('/');
    if (!type || !name || more.length > 0) {
      throw new UsageError(`"${word}" is not TYPE/NAME; do not mix TYPE NAME and TYPE/NAME`);
    }
    const resource = await catalog.find(type);
    const same = selections.find((selection) => selection.resource === resource);
    if (same) same.names.push(name);
    else selections.push({ resource, names: [name] });
  }
  return selections;
}

/** Exactly one object: `NAME` (of `defaultType`), `TYPE/NAME` or `TYPE NAME`. */
export async function parseObject(
  catalog: ResourceCatalog,
  words: readonly string[],
  defaultType?: string,
): Promise<{ resource: DiscoveredResource; name: string }> {
  const [only = ''] = words;
  const typed =
    words.length === 1 && !only.includes('/') && defaultType ? [`${defaultType}/${only}`] : words;
  const [selection, second] = await parseSelections(catalog, typed);
  const [name, another] = selection?.names ?? [];
  if (!selection || second || !name || another) {
    const example = defaultType ? 'NAME or TYPE/NAME' : 'TYPE/NAME or TYPE NAME';
    throw new UsageError(`say exactly one object: ${example}`);
  }
  return { resource: selection.resource, name };
}
