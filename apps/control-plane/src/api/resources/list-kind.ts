import type { ApiObject, Kind } from '@gantry/api-machinery';
import { badRequest } from '@gantry/base';
import { type ObjectStore, storeKey, storePrefix } from '@gantry/controller';
import type { WatchCaches } from '../watch/watch-caches.js';
import { decodeToken, encodeToken } from './continue-token.js';
import type { ListOptions, ListPage } from './options.js';
import { parseRevision, tooLargeRevision } from './revision.js';
import { compileSelection, type Matcher } from './selection.js';

function checkMatch(options: ListOptions, revision: bigint | undefined): void {
  const { resourceVersionMatch: match } = options;
  if (match && revision === undefined) {
    throw badRequest('resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (match && options.continue) {
    throw badRequest('resourceVersionMatch is forbidden when continue is provided');
  }
  if (match === 'Exact' && revision === 0n) {
    throw badRequest('resourceVersionMatch "Exact" is forbidden for resourceVersion "0"');
  }
  if (options.continue && revision) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
}

/** Objects of a kind: from the cache where any state will do, else read from the store. */
export async function listKind<T extends ApiObject>(
  kind: Kind<T>,
  options: ListOptions,
  objects: ObjectStore,
  caches: WatchCaches,
): Promise<ListPage<T>> {
  const revision = parseRevision(options.resourceVersion);
  checkMatch(options, revision);
  const matches = compileSelection(kind, options);
  if (options.continue) return pageFromStore(kind, options, objects, matches);
  const exact =
    options.resourceVersionMatch === 'Exact' ||
    (options.limit && revision && !options.resourceVersionMatch);
  if (exact) return pageFromStore(kind, options, objects, matches, revision);
  if (revision !== undefined) {
    const cache = await caches.ready(kind);
    if (cache.revision >= revision) {
      const items = cache.items(options.namespace);
      const resourceVersion = String(cache.revision);
      return { items: matches ? items.filter(matches) : items, resourceVersion };
    }
  }
  const page = await pageFromStore(kind, options, objects, matches);
  const current = BigInt(page.resourceVersion);
  if (revision && revision > current) throw tooLargeRevision(revision, current);
  return page;
}

async function pageFromStore<T extends ApiObject>(
  kind: Kind<T>,
  options: ListOptions,
  objects: ObjectStore,
  matches: Matcher<T> | undefined,
  exact?: bigint,
): Promise<ListPage<T>> {
  const { namespace } = options;
  const limit = options.limit || undefined;
  const token = options.continue
    ? decodeToken(options.continue, storePrefix(kind, namespace))
    : undefined;
  const from = { namespace, resourceVersion: token?.revision ?? exact?.toString() };
  if (matches) return selectedPage(kind, { ...from, start: token?.start, limit }, objects, matches);
  const page = await objects.list(kind, { ...from, limit, continue: token?.start });
  const { continue: start, ...rest } = page;
  if (!start) return rest;
  return { ...rest, continue: encodeToken({ revision: page.resourceVersion, start }) };
}

interface SelectedPage {
  readonly namespace: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly start: string | undefined;
  readonly limit: number | undefined;
}

/** Objects read at a time while a page is picked from them. */
const readAhead = 500;

/** The store cannot select: read on until the page is full, and let the next one start right behind. */
async function selectedPage<T extends ApiObject>(
  kind: Kind<T>,
  wanted: SelectedPage,
  objects: ObjectStore,
  matches: Matcher<T>,
): Promise<ListPage<T>> {
  const { namespace, limit = Infinity } = wanted;
  const items: T[] = [];
  let { start, resourceVersion } = wanted;
  for (;;) {
    const from = { namespace, resourceVersion, limit: readAhead, continue: start };
    const page = await objects.list(kind, from);
    resourceVersion = page.resourceVersion;
    for (const item of page.items) {
      if (!matches(item)) continue;
      if (items.length === limit) {
        const next = storeKey(kind, item.metadata.namespace, item.metadata.name!);
        return {
          items,
          resourceVersion,
          continue: encodeToken({ revision: resourceVersion, start: next }),
        };
      }
      items.push(item);
    }
    if (!page.continue) return { items, resourceVersion };
    start = page.continue;
  }
}
