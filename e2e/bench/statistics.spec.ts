import { expect, test } from 'vitest';
import { percentile, ratioOf, summarize } from './statistics.ts';

test('percentiles are samples, by nearest rank', () => {
  const samples = [5, 1, 4, 2, 3];
  expect([percentile(samples, 0.5), percentile(samples, 0.95), percentile(samples, 0)]).toEqual([
    3, 5, 1,
  ]);
});

test('a ratio is paired when both sides were measured in turns', () => {
  expect(ratioOf([1, 10, 100], [2, 20, 50])).toBe(0.5);
  expect(ratioOf([1, 2, 3], [4])).toBe(0.5);
});

test('what was not measured is no result', () => {
  expect(() => summarize('start', 'ms', [])).toThrow('start was not measured');
  expect(summarize('start', 'ms', [2], { crun: [4], runc: [] }).ratio).toEqual({ crun: 0.5 });
});
