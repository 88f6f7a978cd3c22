import { expect, test } from 'vitest';
import { Backoff } from './backoff.js';

test('doubles up to its bound and starts again after reset', () => {
  const backoff = new Backoff({ baseMs: 10, maxMs: 50 });
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([
    10, 20, 40, 50,
  ]);
  backoff.reset();
  expect(backoff.next()).toBe(10);
});

test('draws its jitter from the given part of the delay', () => {
  const backoff = new Backoff({ baseMs: 100, maxMs: 100, jitter: 0.5, random: () => 0 });
  expect(backoff.next()).toBe(50);
});
