import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Throttle } from './throttle.js';

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('holds all takers together to the rate, after a burst of a second', () => {
  const throttle = new Throttle(1000);
  const start = performance.now();
  expect(throttle.take(1000, start)).toBe(0);
  expect(throttle.take(500, start)).toBeCloseTo(500, -1);
  expect(throttle.take(500, start)).toBeCloseTo(1000, -1);
  expect(throttle.take(100, start + 2000)).toBe(0);
  expect(throttle.take(2000, start + 10_000)).toBeCloseTo(1000, -1);
});

test('0 is without a bound', () => {
  const throttle = new Throttle(0);
  expect(throttle.take(1e12)).toBe(0);
});

test('a stream that is given up leaves no timer behind', async () => {
  const stream = new Throttle(1000).stream(() => {});
  const before = timers();
  stream.write(Buffer.alloc(1_000_000));
  expect(timers()).toBe(before + 1);
  stream.destroy();
  await once(stream, 'close');
  expect(timers()).toBe(before);
});
