import type { Entry, Page } from '@gantry/store';

/** One request for a part of a list: at most `limit` entries from `start` to before `end`. */
export interface Span {
  readonly limit: number;
  readonly start: string | undefined;
  readonly end: string | undefined;
}

const [firstLimit, maxLimit] = [500, 32_000];
/** What a page is to hold: larger ones make etcd and the reader wait for each other. */
const pageBytes = 24 * 2 ** 20;
/** Characters that names of objects are made of end before this one. */
const maxCharacter = 0x7e;
const maxWidth = 64;

/**
 * Into which requests the list of all keys under a prefix is cut. For each, etcd counts all keys up to its end,
 * wanted or not: with the list's end, that takes longer than reading in a large cluster. So each ends, by the keys
 * seen last, about where a page is full; it need not be right: what is behind is asked for by the next.
 */
export class ListSpans {
  readonly first: Span;
  private limit = firstLimit;
  /** How many characters, at the first place where keys of a page differ, a span goes on for. */
  private width = 1;
  private current: Span;

  constructor(
    private readonly prefix: string,
    start: string | undefined,
  ) {
    // The first one tells how many there are.
    this.first = { limit: firstLimit, start, end: undefined };
    this.current = this.first;
  }

  /** The request behind the one that was answered so; undefined when that was the last. */
  after({ entries, next, remaining }: Page): Span | undefined {
    const { end } = this.current;
    if (next === undefined && end === undefined) return undefined;
    const start = next ?? end!;
    this.adapt(entries, remaining);
    // A few pages are counted faster than their end is guessed.
    const isShort = end === undefined && remaining < this.limit * 2;
    this.current = {
      limit: this.limit,
      start,
      end: isShort ? undefined : this.guess(entries, start),
    };
    return this.current;
  }

  private adapt(entries: readonly Entry[], remaining: number): void {
    if (this.current.end !== undefined) {
      if (remaining > this.limit) this.width = Math.max(1, this.width / 2);
      else if (entries.length + remaining < this.limit / 2) {
        this.width = Math.min(maxWidth, this.width * 2);
      }
    }
    if (entries.length === 0) return;
    const bytes = entries.reduce((sum, { value }) => sum + value.length, 0) / entries.length;
    const fitting = Math.ceil(pageBytes / Math.max(1, bytes));
    this.limit = Math.max(1, Math.min(maxLimit, this.limit * 2, fitting));
  }

  /** Undefined where there is no telling. */
  private guess(entries: readonly Entry[], start: string): string | undefined {
    const last = entries.at(-1)?.key;
    if (last === undefined || last === entries[0]!.key) return undefined;
    let at = differAt(entries[0]!.key, last);
    for (; at >= this.prefix.length; at -= 1) {
      const character = last.charCodeAt(at) + this.width;
      if (character >= maxCharacter) continue;
      const end = last.slice(0, at) + String.fromCharCode(character);
      if (end > start) return end;
    }
    return undefined;
  }
}

function differAt(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}
