import { expect, it } from 'vitest';
import type { Entry, Page } from '@gantry/store';
import { ListSpans } from './list-spans.js';

const prefix = 'registry/core/pods/';
const value = new Uint8Array(2_000);

/** What a store answers, and how many keys it has to look at for that. */
function listed(keys: readonly string[]): { found: string[]; requests: number; counted: number } {
  const sorted = keys.map((key) => prefix + key).sort();
  const spans = new ListSpans(prefix, undefined);
  const found: string[] = [];
  let [requests, counted] = [0, 0];
  for (let span: typeof spans.first | undefined = spans.first; span;) {
    const { start = prefix, end, limit }: typeof span = span;
    const inside = sorted.filter((key) => key >= start && (end === undefined || key < end));
    const shown = inside.slice(0, limit);
    found.push(...shown);
    requests += 1;
    counted += inside.length;
    const remaining = inside.length - shown.length;
    const entries = shown.map((key): Entry => {
      return { key, value, createRevision: 1n, modRevision: 1n };
    });
    const next = remaining > 0 ? { next: `${shown.at(-1)!}\0` } : {};
    const page: Page = { entries, revision: 1n, remaining, ...next };
    span = spans.after(page);
    expect(requests).toBeLessThan(1_000);
  }
  expect(found).toEqual(sorted);
  return { found, requests, counted };
}

const many = (count: number, name: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => name(i));

it.each([
  ['none', []],
  ['one', ['default/web']],
  ['a page', many(500, (i) => `default/web-${i}`)],
  ['numbers', many(60_000, (i) => `default/web-${i}`)],
  ['namespaces', many(60_000, (i) => `team-${i % 97}/app-${i % 1_013}-${i.toString(36)}`)],
  ['names of all lengths', many(30_000, (i) => `n/${'a'.repeat(i % 60)}${i.toString(36)}`)],
  ['other characters', many(20_000, (i) => `ns/${String.fromCodePoint(0x7a + (i % 9))}é~${i}`)],
  ['a few, far apart', [...many(40_000, (i) => `a/${i}`), 'b/x', 'zz/y', '~/~']],
])('all keys come once and in order, in few requests: %s', (_, keys) => {
  const { requests, counted } = listed(keys);
  expect(requests).toBeLessThan(30 + keys.length / 500);
  // With the end of the list for each request it would be a multiple for the larger ones.
  expect(counted).toBeLessThanOrEqual(keys.length * 6);
});
