import type { ApiObject, Kind } from '@gantry/api-machinery';
import type { Entry, Page, RangeOptions, Revision, Store } from '@gantry/store';
import type { Codec } from './codec.js';
import { ListSpans, type Span } from './list-spans.js';
import { storePrefix } from './object-key.js';

const pageSize = 500;
/** Objects decoded at a stretch; then others have their turn. */
const decodedAtOnce = 500;

export interface ListOptions {
  readonly namespace?: string;
  /** At most this many; without it, all. */
  readonly limit?: number;
  /** The previous page's `continue`, together with its resourceVersion. */
  readonly continue?: string;
  /** Read the state at exactly this revision; Expired when it is gone. */
  readonly resourceVersion?: string;
  /** The items are not to be changed: they may have frozen parts in common. Cheaper, and smaller where many are alike. */
  readonly shared?: boolean;
}

export interface ObjectPage<T> {
  readonly items: T[];
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** Lists of typed objects, page by page or whole. */
export class ObjectLists {
  constructor(
    private readonly store: Store,
    private readonly codec: Codec,
  ) {}

  /** One page, or all pages read at one revision when there is no limit. */
  async list<T extends ApiObject>(kind: Kind<T>, options: ListOptions): Promise<ObjectPage<T>> {
    const prefix = storePrefix(kind, options.namespace);
    const at = options.resourceVersion ? BigInt(options.resourceVersion) : undefined;
    if (options.limit === undefined) return this.listAll(kind, options, prefix, at);
    const items: T[] = [];
    let [start, revision] = [options.continue, at];
    for (;;) {
      const limit = Math.min(pageSize, options.limit - items.length);
      const page: Page = await this.store.range(prefix, rangeOptions({ limit, start, revision }));
      ({ revision, next: start } = page);
      await this.decodeAll(kind, page.entries, options, items);
      const resourceVersion = String(revision);
      if (start === undefined) return { items, resourceVersion };
      if (items.length >= options.limit) {
        const remainingItemCount = page.remaining;
        return { items, resourceVersion, continue: start, remainingItemCount };
      }
    }
  }

  /** All pages are wanted: the next one is on its way while one is decoded. */
  private async listAll<T extends ApiObject>(
    kind: Kind<T>,
    options: ListOptions,
    prefix: string,
    at: Revision | undefined,
  ): Promise<ObjectPage<T>> {
    const spans = new ListSpans(prefix, options.continue);
    const read = (span: Span, revision: Revision | undefined) =>
      this.store.range(prefix, rangeOptions({ ...span, revision }));
    const items: T[] = [];
    let page = await read(spans.first, at);
    for (;;) {
      const { revision, entries } = page;
      const span = spans.after(page);
      const following = span && read(span, revision);
      following?.catch(() => undefined);
      await this.decodeAll(kind, entries, options, items);
      if (!following) return { items, resourceVersion: String(revision) };
      page = await following;
    }
  }

  private async decodeAll<T extends ApiObject>(
    kind: Kind<T>,
    entries: readonly Entry[],
    { shared }: ListOptions,
    into: T[],
  ): Promise<void> {
    for (const [i, entry] of entries.entries()) {
      if (i > 0 && i % decodedAtOnce === 0) await new Promise(setImmediate);
      into.push(shared ? this.codec.decodeShared(kind, entry) : this.codec.decode(kind, entry));
    }
  }
}

/** What is given of these. */
function rangeOptions({ start, end, revision, limit }: Partial<Span> & RangeOptions): RangeOptions {
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(revision === undefined ? {} : { revision }),
  };
}
