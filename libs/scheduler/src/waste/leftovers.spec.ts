import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { wholeDeviceMillis } from '../devices/device-names.js';
import { leftoversOf, type DeviceDemand } from './leftovers.js';

const kind = 7;

function leftovers(shares: Readonly<Record<number, number>>): Float64Array {
  const demands = Object.entries(shares).map(([millis, share]) => {
    return { kind, count: 1, millis: Number(millis), share };
  });
  return leftoversOf(demands).get(kind)!;
}

test('what fills up a device exactly leaves nothing, what no pod can use stays', () => {
  const left = leftovers({ 600: 0.5, 400: 0.5 });
  expect(left[1_000]).toBeCloseTo(0);
  expect(left[400]).toBeCloseTo(0);
  expect(left[399]).toBe(399);
  expect(left[0]).toBe(0);
});

test('two pods that go well together are seen, which filling with pods alike does not show', () => {
  const left = leftovers({ 650: 0.2, 470: 0.2, 320: 0.2 });
  // 350 are free beside 650, and 320 fill them; 530 beside 470 are best filled with 470 more.
  expect(left[350]).toBeCloseTo(30);
  expect(left[530]).toBeCloseTo(60);
  // For a pod of 320: beside 650 it leaves less than beside 470.
  expect(left[350 - 320]! - left[350]!).toBeLessThan(left[530 - 320]! - left[530]!);
});

test('the rarer the pods that fit a gap, the more is left of it', () => {
  const rare = leftovers({ 810: 0.5, 160: 0.001 });
  const frequent = leftovers({ 810: 0.5, 160: 0.01 });
  expect(rare[190]).toBeGreaterThan(frequent[190]! + 50);
  expect(rare[190]).toBeLessThan(190);
});

test('pods that want none or several devices fill none up; kinds are told apart', () => {
  const demands: DeviceDemand[] = [
    { kind: -1, count: 0, millis: 0, share: 0.5 },
    { kind, count: 2, millis: 1_000, share: 0.3 },
    { kind: 8, count: 1, millis: 500, share: 0.2 },
  ];
  const left = leftoversOf(demands);
  expect([...left.keys()]).toEqual([8]);
  expect(left.get(8)![500]).toBeCloseTo(0);
});

test('never less than nothing, never more than is free', () => {
  const demand = fc.record({
    kind: fc.constant(kind),
    count: fc.constant(1),
    millis: fc.integer({ min: 1, max: 2 * wholeDeviceMillis }),
    share: fc.double({ min: 0, max: 1 / 16, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(demand, { minLength: 1, maxLength: 16 }), (demands) => {
      const wrong = leftoversOf(demands)
        .get(kind)!
        .filter((left, free) => left < -1e-9 || left > free);
      expect([...wrong]).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
